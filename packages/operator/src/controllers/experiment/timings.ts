/** How long experiments take to have their effect, and to be gone again; for metrics. */
import { isFinal, type ExperimentObject, type ExperimentStatus } from '@chaosplane/api';
import type { Clock } from '@chaosplane/common';
import type { Informer } from '@chaosplane/kube';
import type { OperatorMetrics } from '../../metrics.ts';

/** Told after each status that was written. */
export interface Timings {
  note(uid: string, before: ExperimentStatus, status: ExperimentStatus): void;
}

/** What it is made of. */
export interface TimingsParts {
  readonly experiments: Pick<Informer<ExperimentObject>, 'onChange'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly metrics: Pick<OperatorMetrics, 'effective' | 'clean'>;
}

/**
 * From when this operator saw an experiment, because `metadata.creationTimestamp` has whole seconds: one that an earlier operator
 * has begun is not counted.
 */
export function createTimings({ experiments, clock, metrics }: TimingsParts): Timings {
  /** By uid: when each that is still Pending was seen. */
  const seen = new Map<string, number>();
  experiments.onChange(({ type, object }) => {
    const { uid = '' } = object.metadata;
    const { phase = 'Pending' } = object.status ?? {};
    if (type === 'deleted' || isFinal({ phase })) seen.delete(uid);
    else if (phase === 'Pending' && !seen.has(uid)) seen.set(uid, clock.now());
  });
  return {
    note(uid, before, status) {
      const since = seen.get(uid);
      if (since !== undefined && before.effectiveAt === undefined && status.effectiveAt !== undefined) {
        seen.delete(uid);
        if (wereInjected(status)) metrics.effective((status.effectiveAt - since) / 1000);
      }
      const { recoveringAt } = status;
      if (recoveringAt !== undefined && inForce(before) && !inForce(status))
        metrics.clean((clock.now() - recoveringAt) / 1000);
    },
  };
}

function wereInjected({ targets }: ExperimentStatus): boolean {
  return targets.some(({ executionId }) => executionId !== undefined);
}

function inForce({ targets }: ExperimentStatus): boolean {
  return targets.some(({ state }) => state === 'Injected');
}
