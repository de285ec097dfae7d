/** pod-kill: the operator deletes the pod, and nothing but the pod that was chosen. */
import { findAction, parseParameters, type PodKillSpec } from '@chaosplane/actions';
import type { TargetStatus } from '@chaosplane/api';
import type { Executor, ObservedExecution } from '@chaosplane/lifecycle';
import { isConflict, pods } from '@chaosplane/kube';
import { failedInjection, type OperatorActionParts } from './action.ts';

/** There is one execution a pod; its id says which. */
const idOf = ({ uid }: Pick<TargetStatus, 'uid'>): string => `pod-kill-${uid}`;

const FORCED = 'with a grace period of 0 the API server forgets a pod before the kubelet has ended its processes';

/** An executor for one experiment. */
export function podKillExecutor({
  spec,
  client,
  pods: cache,
  signal,
}: Pick<OperatorActionParts, 'spec' | 'client' | 'pods' | 'signal'>): Executor {
  const parsed = parseParameters(findAction('pod-kill'), spec.action.parameters, { target: 'absent' }) as PodKillSpec;
  const { gracePeriodSeconds } = parsed;

  function observeOne(target: TargetStatus): ObservedExecution {
    const pod = cache.get(target);
    const gone = pod === undefined || pod.metadata.uid !== target.uid;
    const ending = pod?.metadata.deletionTimestamp !== undefined;
    const evidence = { engine: 'api', counters: {}, notes: gracePeriodSeconds === 0 ? [FORCED] : [] };
    if (gone)
      return {
        live: false,
        endReason: 'done',
        evidence: { ...evidence, verdict: 'Verified', summary: 'the pod is gone' },
      };
    if (ending)
      return {
        live: false,
        endReason: 'done',
        evidence: { ...evidence, verdict: 'Verified', summary: 'the pod is ending' },
      };
    return { live: true, evidence: { ...evidence, verdict: 'NotObserved', summary: 'the pod is still there' } };
  }

  return {
    isUnresponsive: () => false,
    async inject(target, _ttlMs, own) {
      try {
        const both = AbortSignal.any([signal, own]);
        // Another pod of that name is not the one that was chosen: the uid makes it a conflict.
        await client.delete(pods, target, { uid: target.uid, gracePeriodSeconds, signal: both });
        return { kind: 'injected', executionId: idOf(target) };
      } catch (error) {
        signal.throwIfAborted();
        if (isConflict(error)) return { kind: 'injected', executionId: idOf(target) };
        return failedInjection(error, signal);
      }
    },
    preview: async ({ namespace, name }) =>
      gracePeriodSeconds === 0
        ? `force-delete the pod ${namespace}/${name}, without waiting for its kubelet`
        : `delete the pod ${namespace}/${name}, with ${gracePeriodSeconds} s to end`,
    observe: async (targets) =>
      new Map(
        targets
          .filter(({ executionId }) => executionId !== undefined)
          .map((target) => [idOf(target), observeOne(target)]),
      ),
    // It happened once; there is nothing to undo.
    cancel: async () => 'all',
  };
}
