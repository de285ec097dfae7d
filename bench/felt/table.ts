/** The table of what was felt: a line for each row, a column for each that made the fault; medians, and reasons where there is no figure. */
import type { Felt, Reading } from './measures.ts';

export interface Gathered {
  /** What one round felt in a row of this title. */
  add(row: string, column: string, felt: Felt): void;
  /** Why there is nothing. */
  refuse(row: string, column: string, reason: string): void;
  refused(row: string, column: string): boolean;
  /** In Markdown, and the reasons below. */
  lines(): string[];
}

interface Cell {
  readonly readings: Reading[];
  reason?: string;
}

export function gather(columns: readonly string[]): Gathered {
  const rows = new Map<string, Map<string, Cell>>();
  const refusals = new Map<string, string>();
  const cellOf = (row: string, column: string): Cell => {
    const cells = rows.get(row) ?? new Map<string, Cell>();
    rows.set(row, cells);
    const cell = cells.get(column) ?? { readings: [] };
    cells.set(column, cell);
    return cell;
  };
  return {
    add(row, column, felt) {
      for (const [what, reading] of felt) cellOf(`${row}: ${what}`, column).readings.push(reading);
    },
    refuse: (row, column, reason) => void refusals.set(`${row}, ${column}`, reason),
    refused: (row, column) => refusals.has(`${row}, ${column}`),
    lines() {
      const reasons = [...new Set(refusals.values())];
      const note = (row: string, column: string): string => {
        const reason = refusals.get(`${row.slice(0, row.indexOf(':'))}, ${column}`);
        return reason === undefined ? '' : `cannot (${reasons.indexOf(reason) + 1})`;
      };
      const body = [...rows].map(([row, cells]) => [
        row,
        ...columns.map((column) => {
          const readings = cells.get(column)?.readings ?? [];
          return readings.length === 0 ? note(row, column) : show(readings);
        }),
      ]);
      return [...markdown([['', ...columns], ...body]), '', ...reasons.map((reason, at) => `(${at + 1}) ${reason}`)];
    },
  };
}

/** The middle one of the readings, and what came of most of them. */
export function show(readings: readonly Reading[]): string {
  const values = readings.map(({ value }) => value).toSorted((a, b) => a - b);
  const median = values[values.length >> 1] ?? Number.NaN;
  const [{ unit, outcome = '' } = { unit: '' }] = readings.filter(({ value }) => value === median);
  switch (unit) {
    case 'Mbit/s':
      return median >= 100 ? median.toFixed(0) : median.toFixed(1);
    case '% sent again':
      return `${median.toFixed(median < 10 ? 2 : 1)} %`;
    case 's':
      return `${outcome} after ${median < 0.1 ? '< 0.1' : median.toFixed(1)} s`;
    default:
      return median === 0 ? outcome : `${median} ${unit}`;
  }
}

function markdown(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(3, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = rows;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)];
}
