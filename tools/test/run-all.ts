/** What `npm test` and `npm run test:long` have in common: parts, one after another, and at the end one line that sums them up. */
import { randomBytes } from 'node:crypto';
import { closingLine, sum, type Counts } from './counts.ts';
import { checkLeftovers, orphans } from './leftovers.ts';
import { endStrays } from './strays.ts';
import { sweep } from './sweep.ts';

/** One part of a run. */
export interface Part {
  readonly name: string;
  /** Does it. What it throws is told, and counts as one failure. `runId` is the mark of this run in all that it makes. */
  run(runId: string, signal: AbortSignal): Promise<Counts>;
}

/**
 * Removes what killed runs have left, runs the parts until SIGINT or SIGTERM, and looks for what they have left. Writes the counts
 * of each part with its time, and what has failed, by `say`, and their sum on standard output. Returns the exit code.
 */
export async function runAll(parts: readonly Part[], say: (line: string) => void): Promise<number> {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => controller.abort());
  const runId = randomBytes(3).toString('hex');
  for (const mark of await sweep()) say(`removed what a killed run had left: ${mark}`);
  const before = await orphans();
  const counts: Counts[] = [];
  for (const part of parts) {
    if (controller.signal.aborted) continue;
    const started = performance.now();
    const result = await part.run(runId, controller.signal).catch((error: unknown): Counts => {
      say(String(error));
      return { passed: 0, failed: 1, skipped: 0, failures: [String(error).slice(0, 400)] };
    });
    counts.push({ ...result, failures: (result.failures ?? []).map((failure) => `${part.name} › ${failure}`) });
    say(`── ${part.name}: ${closingLine(result)} in ${Math.round((performance.now() - started) / 1000)} s\n`);
  }
  // What tests that were ended in the middle have started does not end with them.
  if (controller.signal.aborted) await endStrays((marks) => marks.runId === runId);
  counts.push(await checkLeftovers(before, runId, say));
  if (controller.signal.aborted) counts.push({ passed: 0, failed: 1, skipped: 0 });
  const total = sum(counts);
  for (const failure of total.failures ?? []) say(`failed: ${failure}`);
  process.stdout.write(`${closingLine(total)}\n`);
  return total.failed === 0 ? 0 : 1;
}
