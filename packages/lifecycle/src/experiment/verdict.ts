/** What an experiment says of its hypothesis, once it has ended. Pure. */
import {
  withCondition,
  type ExperimentCondition,
  type ExperimentSpec,
  type ExperimentStatus,
  type Outcome,
} from '@chaosplane/api';
import { RAN, unseen } from './effect.ts';
import { ended } from './ended.ts';
import { interruptionOf } from './interruption.ts';
import { judgeSamples, type SamplesJudgement } from '../samples/judge.ts';
import type { ProbeOutcome } from './observation.ts';

type Held = Extract<ExperimentCondition, { readonly type: 'HypothesisHeld' }>;

/** A verdict with its reason. */
interface Judgement {
  readonly status: Held['status'];
  readonly reason: Held['reason'];
  readonly message: string;
}

/** What is judged. */
export interface Judged {
  readonly spec: Pick<ExperimentSpec, 'steadyState'>;
  readonly status: ExperimentStatus;
  /** How it ended. */
  readonly outcome: Outcome;
  /** The last outcome of the probes after the recovery; undefined: there are none, or they were not asked. */
  readonly after: ProbeOutcome | undefined;
}

const names = { True: 'Held', False: 'NotHeld', Unknown: 'Inconclusive' } as const;

/** The end of an experiment: the verdict, the condition that explains it, and the outcome in the same words. */
export function judged(it: Judged, now: number): ExperimentStatus {
  const { message, ...rest } = judge(it, now);
  const noted = withCondition(it.status, { type: 'HypothesisHeld', ...rest, message });
  return { ...ended(noted, { phase: it.outcome.phase, message }, now), verdict: names[rest.status] };
}

/** The end of an experiment of which nothing was injected: nothing was tested. */
export function notRun(status: ExperimentStatus, message: string, now: number): ExperimentStatus {
  const noted = withCondition(status, { type: 'HypothesisHeld', status: 'Unknown', reason: 'NotRun', message });
  return { ...ended(noted, { phase: 'Failed', message }, now), verdict: 'Inconclusive' };
}

/**
 * The first of these that is true. What keeps a fault from its effect comes before what the probes say: a steady state that was
 * never in danger is no evidence.
 */
function judge({ spec, status, outcome, after }: Judged, now: number): Judgement {
  const unknown = (reason: Held['reason'], message: string): Judgement => ({ status: 'Unknown', reason, message });
  if (outcome.phase === 'Aborted') return unknown('Aborted', outcome.message);
  if (!status.targets.some(({ executionId }) => executionId !== undefined)) return unknown('NotRun', outcome.message);
  const interruption = interruptionOf(status, now);
  const away = interruption === undefined ? '' : `; ${interruption.message}`;
  const effect = status.conditions.find(({ type }) => type === 'EffectObserved');
  if (effect?.status === 'False') {
    const what = unseen(effect);
    const message = `${outcome.message === what ? what : `${what}; ${outcome.message}`}${away}`;
    if (interruption?.isLong === true) return unknown('EffectInterrupted', message);
    return { status: 'False', reason: 'EffectNotObserved', message };
  }
  if (outcome.phase === 'Failed' && after === undefined) return unknown('EndedEarly', outcome.message);
  const also = `${outcome.message === RAN ? '' : `; ${outcome.message}`}${away}`;
  const seen = effect?.message ?? 'not measured';
  if (effect?.status !== 'True') {
    const reason = effect?.reason === 'NoTraffic' ? 'NoTraffic' : 'EffectNotMeasured';
    return unknown(reason, `the effect was ${seen}${also}`);
  }
  const { during, after: probes } = spec.steadyState;
  if (probes.length + during.length === 0)
    return unknown('NoHypothesis', `no hypothesis was tested; the effect was ${seen}${also}`);
  if (probes.length > 0 && after === undefined)
    return unknown('NoValidSample', `the steady state was not measured${also}`);
  if (after?.outcome === 'fail')
    return { status: 'False', reason: 'SteadyStateLost', message: `${outcome.message}${away}` };
  const samples = during.map((probe, index) => judgeSamples(probe, status.samples?.[index]));
  const told = (wanted: SamplesJudgement['outcome']): string =>
    samples.flatMap(({ outcome: one, message }) => (one === wanted ? [message] : [])).join('; ');
  const exceeded = told('exceeded');
  if (exceeded !== '')
    return {
      status: 'False',
      reason: 'ToleranceExceeded',
      message: `the steady state was not kept: ${exceeded}${also}`,
    };
  if (after?.outcome === 'error') return unknown('NoValidSample', `${outcome.message}${away}`);
  const few = told('unknown');
  if (few !== '') return unknown('NoValidSample', `it is not known whether the steady state was kept: ${few}${also}`);
  if (interruption?.isLong === true) return unknown('EffectInterrupted', `the effect was ${seen}${also}`);
  const kept = during.length === 0 ? 'the steady state is back' : `the steady state was kept: ${told('kept')}`;
  return { status: 'True', reason: 'SteadyStateKept', message: `the effect was ${seen}, and ${kept}${also}` };
}
