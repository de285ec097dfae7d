/** Cuts the text of a file into documents where kubectl does: at lines that begin with three dashes, and between JSON values. Pure. */

/** One document, as a text. */
export interface Part {
  readonly text: string;
  /** The line of the file that it begins in, from 1. */
  readonly line: number;
}

/** A text that is no stream of documents. */
export class StreamError extends Error {
  readonly line: number;
  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/** Go reads these as control characters or line breaks, and other programs do not. */

const FOREIGN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u0085\u2028\u2029]/;

/**
 * The text of a file. A byte order mark is dropped.
 * @throws StreamError when it is not UTF-8.
 */
export function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new StreamError(1, 'it is not UTF-8');
  }
}

/**
 * The documents of a stream; those with nothing but white space and comments are there too.
 * @throws StreamError for what kubectl refuses or reads in part.
 */
export function parts(text: string): Part[] {
  const found: { lines: string[]; line: number }[] = [{ lines: [], line: 1 }];
  for (const [index, line] of text.split('\n').entries()) {
    const foreign = FOREIGN.exec(line);
    if (foreign !== null) {
      const code = foreign[0].codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0') ?? '';
      throw new StreamError(index + 1, `the character U+${code} is not read by every program as the same`);
    }
    if (!line.startsWith('---')) {
      found.at(-1)?.lines.push(line);
      continue;
    }
    const rest = line.slice(3).trim();
    if (rest !== '' && !rest.startsWith('#'))
      throw new StreamError(index + 1, 'something is in the line of the separator ---');
    // As in a file that ends with it: the line before the separator is a whole one.
    found.at(-1)?.lines.push('');
    found.push({ lines: [], line: index + 2 });
  }
  return found.map(({ lines, line }) => ({ text: lines.join('\n'), line })).flatMap(jsonValues);
}

/** JSON values may follow each other without a separator. */
function jsonValues(part: Part): Part[] {
  const values: Part[] = [];
  let { text, line } = part;
  while (/^\s*\{/.test(text)) {
    const end = endOfObject(text);
    // The object is not closed: the parser says what is wrong with it.
    if (end === undefined) return [...values, { text, line }];
    values.push({ text: text.slice(0, end), line });
    line += text.slice(0, end).split('\n').length - 1;
    text = text.slice(end);
  }
  const rest = text.replace(/^\s*#.*$/gm, '').trim();
  // A comment, or a comma of YAML: then it is one document of YAML that begins with a brace.
  if (values.length > 0 && rest !== '') return [part];
  return values.length > 0 ? values : [part];
}

/** Where the object that the text begins with ends; undefined when it does not. */
function endOfObject(text: string): number | undefined {
  let depth = 0;
  let quoted = false;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (quoted) {
      if (character === '\\') index++;
      else if (character === '"') quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === '{') depth++;
    else if (character === '}' && --depth === 0) return index + 1;
  }
  return undefined;
}
