/** Figures of a bench: gathered by name while the rounds go, and shown as one table. */

/** What was measured under one name. */
interface Row {
  readonly ms: number[];
  readonly processes: number[];
}

export interface Figures {
  add(name: string, ms: number, processes: number): void;
  /** The middle one of a name, in milliseconds. @throws Error when there is none. */
  median(name: string): number;
  /** Median, 95th percentile, most processes started: a line for each name, in order of names. */
  table(): string[];
}

/** The value below which that share of the values is. */
export const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;

export function createFigures(): Figures {
  const rows = new Map<string, Row>();
  return {
    add(name, ms, processes) {
      const row = rows.get(name) ?? { ms: [], processes: [] };
      rows.set(name, row);
      row.ms.push(ms);
      row.processes.push(processes);
    },
    median(name) {
      const row = rows.get(name);
      if (row === undefined) throw new Error(`nothing was measured as ${name}`);
      return quantile(row.ms, 0.5);
    },
    table() {
      const width = Math.max(...[...rows.keys()].map((name) => name.length)) + 2;
      const line = (name: string, cells: readonly string[]): string =>
        `${name.padEnd(width)}${cells.map((cell) => cell.padStart(11)).join('')}`;
      const lines = [...rows]
        .toSorted(([a], [b]) => a.localeCompare(b))
        .map(([name, { ms, processes }]) => {
          return line(name, [
            quantile(ms, 0.5).toFixed(2),
            quantile(ms, 0.95).toFixed(2),
            String(quantile(processes, 0.5)),
          ]);
        });
      return [line('', ['median', 'p95', 'processes']), ...lines];
    },
  };
}

/** Documentation addresses (RFC 2544's range is for benchmarks), as many as wanted. */
export function benchPeers(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `198.18.${index >> 8}.${index & 255}`);
}
