/** Measures what is in force again and again, and journals it: what was measured last outlives its target, and the daemon. */
import { isDeepStrictEqual } from 'node:util';
import { logFields, type EngineContext } from './context.ts';
import { gatherEvidence } from './evidence.ts';

/** How old the evidence may be that a target or a daemon leaves behind. */
export const KEEP_EVERY_MS = 2000;
/** Where there is much to measure, it takes one part in so many of the time, and is older. */
const SHARE = 20;

/** Measures each active execution once. Returns after how many milliseconds to do so again. */
export async function keepEvidence(context: EngineContext, signal: AbortSignal): Promise<number> {
  const { executions, clock, logger } = context;
  const began = clock.monotonic();
  for (const { id } of executions.live()) {
    if (signal.aborted) break;
    const before = executions.get(id);
    if (before?.state !== 'active') continue;
    const evidence = await gatherEvidence(context, before, began);
    if (evidence === undefined || isDeepStrictEqual(evidence.counters, before.evidence?.counters)) continue;
    await executions.keepEvidence(id, evidence).catch((error: unknown) => {
      logger.warn({ ...logFields(before), err: error }, 'evidence could not be journaled');
    });
  }
  return Math.max(KEEP_EVERY_MS, SHARE * (clock.monotonic() - began));
}
