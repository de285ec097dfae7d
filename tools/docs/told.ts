/** Compares what commands print with what a page says that they print: times, amounts and names of pods differ each time. Pure. */

/** Each is replaced by what follows it, in both texts. */
const BLANKS: readonly (readonly [RegExp, string])[] = [
  [/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME'],
  [/\b\d+(?:\.\d+)? ?(?:ms|s|m|min|h)\b(?:\d+s\b)?/g, 'TIME'],
  [/\b\d+ (?=packets|of \d+ samples)|(?<=\d of )\d+ (?=samples)/g, 'N '],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22,}\b/g, 'ID'],
  // A Deployment's pod.
  [/\b(web|caller)-[0-9a-z]{6,10}-[0-9a-z]{5}\b/g, '$1-ID'],
  [/\b\d{1,3}(?:\.\d{1,3}){3}\b/g, 'ADDRESS'],
  [/[▁▂▃▄▅▆▇█]+/g, 'LINE'],
  [/[ \t]+/g, ' '],
];

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/** A text without what differs each time. */
export function told(text: string): string {
  const blank = BLANKS.reduce((rest, [what, by]) => rest.replaceAll(what, by), text);
  const lines = blank.split('\n').map((line) => line.trim());
  return lines.flatMap((line) => (line === '' ? [] : [`${line}\n`])).join('');
}

/** The texts that a page's output means: a line `…` stands for any lines, also none; `…` in a line for any words. */
export function toldBy(page: string): RegExp {
  const lines = told(page).trimEnd().split('\n');
  const patterns = lines.map((line) =>
    line === '…' ? '(?:.*\\n)*?' : `${line.split('…').map(escaped).join('.*')}\\n`,
  );
  return new RegExp(`^${patterns.join('')}$`);
}
