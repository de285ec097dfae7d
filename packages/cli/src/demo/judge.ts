/** What the measurements of a demo say: whether the delay was felt, has gone, and has left nothing. */
import { median, type Measurements, type Part } from './measure.ts';

/** What is judged. */
export interface Evidence {
  readonly measurements: Measurements;
  /** The delay that was asked for. */
  readonly latencyMs: number;
  /** How the caller's network namespace differs from the one before. */
  readonly left: readonly string[];
  readonly say: (line: string) => void;
}

/** Says what was measured; true when all of it is as it should be. */
export function judge({ measurements, latencyMs, left, say }: Evidence): boolean {
  const row = (name: Part): string => {
    const values = measurements.of(name);
    return `  ${name.padEnd(7)} ${String(values.length).padStart(4)} requests, median ${median(values).toFixed(1).padStart(7)} ms`;
  };
  say(`\n${[row('before'), row('during'), row('after')].join('\n')}`);
  const [calm, slow, again] = [measurements.of('before'), measurements.of('during'), measurements.of('after')].map(
    median,
  ) as [number, number, number];
  // One packet of the caller carries a request on an open connection, so a request takes longer by one delay.
  const added = slow - calm;
  say(`\nRequested: ${latencyMs} ms. Measured: ${added.toFixed(1)} ms more than before.`);
  say(
    left.length === 0
      ? 'The network namespace after is identical to the one before.'
      : `The namespace differs:\n${left.join('\n')}`,
  );
  const felt = Math.abs(added - latencyMs) <= latencyMs * 0.1 + 2;
  const gone = again < calm + latencyMs / 2;
  if (!felt) say('The delay that was measured is not the one that was requested.');
  if (!gone) say('The requests afterwards are still slow.');
  return felt && gone && left.length === 0;
}
