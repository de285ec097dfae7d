/** Gathers what was measured about an execution's effect. */
import type { EvidenceRecord, ExecutionRecord, DriverName } from '../journal/record.ts';
import { logFields, type EngineContext } from './context.ts';
import { isLive } from './executions.ts';
import { driverOf, type Session } from './drivers/driver.ts';

/**
 * Evidence for a live execution, the final one for an ended one; undefined when none can be had. It is of a moment after `since` on the
 * clock that never jumps, by default that of the call: what many ask for at the same time is read once.
 */
export async function gatherEvidence(
  context: EngineContext,
  record: ExecutionRecord,
  since = context.clock.monotonic(),
): Promise<EvidenceRecord | undefined> {
  // What is being applied has its target's turn, perhaps for long; there is nothing to measure yet.
  if (!isLive(record) || record.state === 'applying') return record.evidence;
  const fresh = await driverOf(context.drivers, record)
    .revisit(record, (session) => measure(context, context.executions.get(record.id) ?? record, session, since))
    .catch((error: unknown) => {
      context.logger.warn({ ...logFields(record), err: error }, 'evidence could not be gathered');
      return undefined;
    });
  return fresh ?? record.evidence;
}

/** Measures in the target's turn. Falls back to what was measured last when the kernel no longer tells. */
export async function measure(
  context: Pick<EngineContext, 'logger'>,
  record: ExecutionRecord,
  session: Session<DriverName>,
  since?: number,
): Promise<EvidenceRecord | undefined> {
  try {
    return (await session.measure(record, since)) ?? record.evidence;
  } catch (error) {
    context.logger.warn({ ...logFields(record), err: error }, 'evidence could not be gathered');
    return record.evidence;
  }
}
