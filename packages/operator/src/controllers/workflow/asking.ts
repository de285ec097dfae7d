/** Asks the probes of steps, between the visits to a workflow. */
import type { NodeId, Probe } from '@chaosplane/api';
import { refOfKey } from '@chaosplane/kube';
import { attemptOf } from '@chaosplane/lifecycle';
import { runProbes } from '@chaosplane/probes';
import { proberIn } from '../prober.ts';
import type { VisitParts, WorkflowMemory } from './parts.ts';

/** Begins to ask the probe of a step, unless it is asked already; its answer wakes the workflow. */
export function askProbe(
  { id, attempt }: { readonly id: NodeId; readonly attempt: number },
  probe: Probe,
  parts: VisitParts,
): void {
  const { memory, key, logger, wake } = parts;
  const asked = attemptOf(id, attempt);
  if (memory.asking.has(asked) || memory.answers.has(asked)) return;
  const life = new AbortController();
  memory.asking.set(asked, life);
  const prober = proberIn(refOfKey(key).namespace ?? '', parts, life.signal);
  void runProbes([probe], prober)
    .then(
      ({ outcome, message }) => memory.answers.set(asked, { passed: outcome === 'pass', message }),
      (error: unknown) => {
        if (!life.signal.aborted) logger.error({ err: error, workflow: key, step: id }, 'a probe could not be asked');
      },
    )
    .finally(() => {
      memory.asking.delete(asked);
      if (!life.signal.aborted) wake(key);
    });
}

/** Ends what is still asked. */
export function stopAsking({ asking }: Pick<WorkflowMemory, 'asking'>): void {
  for (const life of asking.values()) life.abort();
  asking.clear();
}
