/** What a plain scalar of YAML is to kubectl, which reads YAML 1.1 as the Go library sigs.k8s.io/yaml does. Pure. */

/** A value that kubectl refuses, or that a program in JavaScript would read as another one. */
export interface Unreadable {
  readonly unreadable: string;
}

/** What a plain scalar stands for. */
export type Scalar = string | number | boolean | null | Unreadable;

const TRUE = ['y', 'yes', 'true', 'on'];
const FALSE = ['n', 'no', 'false', 'off'];

/** `yes`, `Yes` and `YES`, and no other capitals. */
const spellings = (words: readonly string[]): string[] =>
  words.flatMap((word) => [word, `${word.charAt(0).toUpperCase()}${word.slice(1)}`, word.toUpperCase()]);

const WORDS = new Map<string, Scalar>([
  ...spellings(TRUE).map((word): [string, Scalar] => [word, true]),
  ...spellings(FALSE).map((word): [string, Scalar] => [word, false]),
  ...['', '~', ...spellings(['null'])].map((word): [string, Scalar] => [word, null]),
]);

const NO_NUMBER = /^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;
const FLOAT = /^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/;

/** Prefixes as in Go's strconv.ParseInt with base 0: a zero in front means octal. */
const INTEGERS: readonly (readonly [RegExp, number])[] = [
  [/^([-+]?)0[xX]([\da-fA-F]+)$/, 16],
  [/^([-+]?)0[bB]([01]+)$/, 2],
  [/^([-+]?)0[oO]?([0-7]+)$/, 8],
  [/^([-+]?)(0|[1-9]\d*)$/, 10],
];

/** The value of a scalar that is neither quoted nor tagged. Dates and 12:30:00 are texts. */
export function plainScalar(text: string): Scalar {
  const word = WORDS.get(text);
  if (word !== undefined) return word;
  if (NO_NUMBER.test(text)) return { unreadable: `${text} is no number that JSON has` };
  if (!/^[-+.\d]/.test(text)) return text;
  // Underscores are dropped, but not from what begins with a dot.
  return numberOf(text.startsWith('.') ? text : text.replaceAll('_', '')) ?? text;
}

function numberOf(text: string): Scalar | undefined {
  for (const [form, base] of INTEGERS) {
    const [, sign, digits] = form.exec(text) ?? [];
    if (digits === undefined) continue;
    const value = Number.parseInt(digits, base) * (sign === '-' ? -1 : 1);
    if (Number.isSafeInteger(value)) return value + 0;
    return { unreadable: `${text.slice(0, 40)} has more digits than every program reads` };
  }
  if (!FLOAT.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value + 0 : undefined;
}
