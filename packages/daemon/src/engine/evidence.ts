/** Gathers what was measured about an execution's effect. */
import { faultOf } from '../faults/registry.ts';
import type { EvidenceRecord, ExecutionRecord } from '../journal/record.ts';
import type { LayerCounts, Namespace } from '../netns/namespace.ts';
import type { EngineContext } from './context.ts';
import { isLive } from './executions.ts';

/** Evidence of this moment for a live execution, the final one for an ended one; undefined when none can be had. */
export async function gatherEvidence(
  context: EngineContext,
  record: ExecutionRecord,
): Promise<EvidenceRecord | undefined> {
  if (!isLive(record)) return record.evidence;
  const fresh = await context.namespaces
    .revisit(record.target, (namespace) => measure(context, record, namespace))
    .catch((error: unknown) => {
      context.logger.warn({ executionId: record.id, err: error }, 'evidence could not be gathered');
      return undefined;
    });
  return fresh ?? record.evidence;
}

/** Measures inside the namespace's turn. Falls back to what was measured last when the kernel no longer tells. */
export async function measure(
  context: Pick<EngineContext, 'clock' | 'logger'>,
  record: ExecutionRecord,
  namespace: Namespace,
): Promise<EvidenceRecord | undefined> {
  try {
    const counts = await namespace.counts(record.work.layer.id);
    return counts === undefined ? record.evidence : evidenceOfCounts(context, record, counts);
  } catch (error) {
    context.logger.warn({ executionId: record.id, err: error }, 'evidence could not be gathered');
    return record.evidence;
  }
}

/** What the counts mean for this execution. */
export function evidenceOfCounts(
  { clock }: Pick<EngineContext, 'clock'>,
  record: ExecutionRecord,
  counts: LayerCounts,
): EvidenceRecord {
  const { layer, engine } = record.work;
  const measured = faultOf(record.action).evidence(layer, counts);
  return { ...measured, counters: { ...measured.counters }, engine, gatheredAt: clock.now() };
}
