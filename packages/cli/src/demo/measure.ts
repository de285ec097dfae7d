/** What the calling pod prints, gathered and told live. */
import { styleText } from 'node:util';
import { createLogUpdate } from 'log-update';
import * as z from 'zod';

/** One line of the caller. */
const lineSchema = z.object({ ms: z.number(), error: z.string().optional() });

/** One part of the demo. */
export type Part = 'before' | 'during' | 'after';

/** Requests by part. */
export interface Measurements {
  /** Takes a line of the caller into the current part. */
  take(line: unknown): void;
  begin(part: Part): void;
  /** Milliseconds, in order of arrival. */
  of(part: Part): readonly number[];
  /** Ends the live line. */
  end(): void;
}

const BARS = '▁▂▃▄▅▆▇█';

/** Gathers, and draws a live line on a terminal; elsewhere a line per second. */
export function createMeasurements(out: NodeJS.WriteStream): Measurements {
  const parts: Record<Part, number[]> = { before: [], during: [], after: [] };
  const log = out.isTTY ? createLogUpdate(out, { showCursor: true }) : undefined;
  let current: Part = 'before';
  let untold: number[] = [];
  return {
    take(line) {
      const parsed = lineSchema.safeParse(line);
      if (!parsed.success) return;
      if (parsed.data.error === undefined) {
        parts[current].push(parsed.data.ms);
        untold.push(parsed.data.ms);
      }
      log?.(`  ${current.padEnd(7)} ${sparkline(Object.values(parts).flat().slice(-60))} ${lastOf(parts[current])}`);
      if (log === undefined && untold.length === 10) {
        out.write(`  ${current.padEnd(7)} median of 10 requests ${median(untold).toFixed(1)} ms\n`);
        untold = [];
      }
    },
    begin(part) {
      current = part;
      untold = [];
    },
    of: (part) => parts[part],
    end: () => log?.done(),
  };
}

const lastOf = (values: readonly number[]): string => styleText('bold', `${(values.at(-1) ?? 0).toFixed(1)} ms`);

function sparkline(values: readonly number[]): string {
  const top = Math.max(1, ...values);
  return values.map((value) => BARS[Math.min(BARS.length - 1, Math.floor((value / top) * BARS.length))] ?? '').join('');
}

/** The middle value; of nothing, 0. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
