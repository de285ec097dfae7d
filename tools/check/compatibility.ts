/** Reads which command proves each row of the tables of compatibility. Pure. */

/** What can be run: names of layers, and of long tests. */
export interface Commands {
  readonly layers: readonly string[];
  readonly longTests: readonly string[];
}

/** The rows of all tables that say what was tried, and what is wrong with them. A cell that is empty goes on with the row above. */
export function whyUnproved(page: string, known: Commands): { readonly rows: number; readonly problems: string[] } {
  const tables = page.split(/\n(?!\|)/).map((text) => text.split('\n').filter((line) => line.startsWith('|')));
  const tried = tables.filter(([head = '']) => /\b(?:tried|by|command|test)\b/.test(head));
  const rows = tried.flatMap(([, , ...lines]) => lines);
  return { rows: rows.length, problems: rows.flatMap((row) => problemOf(row, known)) };
}

function problemOf(row: string, { layers, longTests }: Commands): string[] {
  const name = row.split('|')[1]?.trim() ?? '';
  const commands = [...row.matchAll(/`npm (test|run test:long) -- ([\w-]+)/g)];
  if (commands.length === 0)
    return /\bno test\b/.test(row) ? [] : [`${name}: names no command, and does not say "no test"`];
  return commands.flatMap(([, command, test = '']) => {
    if (command === 'test') return layers.some((layer) => layer === test) ? [] : [`${name}: there is no layer ${test}`];
    return longTests.includes(test) ? [] : [`${name}: there is no long test ${test}`];
  });
}
