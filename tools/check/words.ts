/** Finds the words that docs/glossary.md strikes, also as parts of identifiers. Pure. */

/** Where a struck word is right all the same. `path`: in these files only; `line`: in such lines only. */
interface Allowance {
  readonly words: readonly string[];
  readonly path?: RegExp;
  readonly line?: RegExp;
}

const allowances: readonly Allowance[] = [
  // The journal's field, which is on disks, and a library's.
  {
    words: ['shape'],
    line: /\bshape: '|z\.literal\(|work: \{ shape\b|`shape`|(def|Schema)\.shape|ZodLooseShape|\{ shape[ :]|shape === 'act'/,
  },
  // A journal that an earlier build wrote.
  { words: ['shape'], path: /daemon\/test\/kernel\/build-before\/records\.json$/ },
  // What tc does to traffic.
  { words: ['shape', 'shapes'], path: /\/netns\/|foreign-devices|docs\/adr\/0010|Dockerfile$/ },
  // The name of an action.
  { words: ['world'], line: /hello.?world/i },
  // X.509, RBAC, Git and in-toto call it so.
  {
    words: ['subject', 'subjects'],
    path: /packages\/image\/|certificates\.ts$|operator\/src\/certificates\/|release\/rights\.ts$|commits|CONTRIBUTING\.md$/,
  },
  {
    words: ['subject', 'subjects'],
    line: /^\s*subjects: *(\[|$)|subject: 'never'|\bsubjectAltName\b|SubjectAccessReview|SelfSubjectRulesReview|subject-access-review/,
  },
  // Names that tests give to what is not there, and messages that they assert.
  { words: ['nobody', 'somebody'], path: /\/test\/|\.test\.ts$/, line: /'nobody'|\/nobody |\bnobody\.|somebody\./ },
  { words: ['of ours'], line: /a tc command of ours|a proxy of ours/ },
];

/** The words in the first column of the glossary's table of struck words. */
export function struckWords(glossary: string): readonly string[] {
  const [, table = ''] = glossary.split('## Struck words');
  const rows = [...table.matchAll(/^\| ([a-z, ]+?) *\|/gm)].flatMap(([, cell = '']) => cell.split(', '));
  return rows.filter((word) => word !== 'struck word');
}

/** The struck words of a text, each with its line, counted from 1. */
export function findStruck(words: readonly string[], path: string, text: string): readonly string[] {
  const lines = text.split('\n');
  return lines.flatMap((line, index) => {
    const parts = new Set([...line.matchAll(/[A-Z]?[a-z]+|[A-Z]+/g)].map(([part]) => part.toLowerCase()));
    // A phrase may go on in the next line, behind the sign of a comment.
    const further = `${line} ${(lines[index + 1] ?? '').replace(/^[\s*/]+/, '').split(' ', 1)[0]}`;
    return words
      .filter((word) => (word.includes(' ') ? new RegExp(`\\b${word}\\b`, 'i').test(further) : parts.has(word)))
      .filter((word) => !allowances.some((each) => allows(each, word, path, line)))
      .map((word) => `${path}:${index + 1}: "${word}" is struck, see docs/glossary.md: ${line.trim()}`);
  });
}

function allows({ words, path, line }: Allowance, word: string, file: string, text: string): boolean {
  return words.includes(word) && (path?.test(file) ?? true) && (line?.test(text) ?? true);
}
