/** Gathers what was measured about an execution's effect. */
import type { EvidenceRecord, ExecutionRecord, DriverName } from '../journal/record.ts';
import { logFields, type EngineContext } from './context.ts';
import { isLive } from './executions.ts';
import { driverOf, type Session } from './drivers/driver.ts';

/** Evidence of this moment for a live execution, the final one for an ended one; undefined when none can be had. */
export async function gatherEvidence(
  context: EngineContext,
  record: ExecutionRecord,
): Promise<EvidenceRecord | undefined> {
  // What is being applied has its target's turn, perhaps for long; there is nothing to measure yet.
  if (!isLive(record) || record.state === 'applying') return record.evidence;
  const fresh = await driverOf(context.drivers, record)
    .revisit(record, (session) => measure(context, context.executions.get(record.id) ?? record, session))
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
): Promise<EvidenceRecord | undefined> {
  try {
    return (await session.measure(record)) ?? record.evidence;
  } catch (error) {
    context.logger.warn({ ...logFields(record), err: error }, 'evidence could not be gathered');
    return record.evidence;
  }
}
