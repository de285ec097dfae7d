/** What becomes of a step by what became of its experiment, and of a workflow by its steps. Pure. */
import {
  isFinal,
  passRate,
  quantile,
  stateOf,
  type ExperimentStatus,
  type StepResult,
  type Verdict,
  type WorkflowState,
} from '@chaosplane/api';
import { defined } from '@chaosplane/common/pure';
import type { Graph } from './graph.ts';
import type { SeenExperiment } from './turn.ts';

/** An experiment as its workflow sees it: one that ran, and whose hypothesis was not refuted, is no failure. */
export function seenExperimentOf(status: ExperimentStatus): SeenExperiment {
  if (!isFinal(status)) return { state: 'under way' };
  const { phase, verdict, outcome, conditions } = status;
  const held = conditions.find(({ type }) => type === 'HypothesisHeld');
  const message = verdict === 'NotHeld' && held !== undefined ? held.message : (outcome?.message ?? phase);
  return {
    state: 'over',
    failed: phase !== 'Completed' || verdict === 'NotHeld',
    wasEnded: phase === 'Aborted',
    message,
    result: { ...defined({ verdict }), measured: measuredOf(status) },
  };
}

/** Of several probes, the worst of each figure. */
function measuredOf({ samples = [] }: ExperimentStatus): NonNullable<StepResult['measured']> {
  const worst = (figures: readonly (number | undefined)[], choose: (...of: number[]) => number): number | undefined => {
    const known = figures.filter((figure) => figure !== undefined && !Number.isNaN(figure)) as number[];
    return known.length === 0 ? undefined : choose(...known);
  };
  const at = (share: number): number | undefined =>
    worst(
      samples.map(({ inForce }) => (inForce.passed === 0 ? undefined : quantile(inForce.latencies, share))),
      Math.max,
    );
  return defined({
    successRate: worst(
      samples.map(({ inForce }) => passRate(inForce)),
      Math.min,
    ),
    ...{ p50: at(0.5), p95: at(0.95) },
    longestOutage: worst(
      samples.map(({ longestOutageMs }) => longestOutageMs),
      Math.max,
    ),
    timeToDetect: worst(
      samples.map(({ timeToDetectMs }) => timeToDetectMs),
      Math.max,
    ),
    timeToRecover: worst(
      samples.map(({ timeToRecoverMs }) => timeToRecoverMs),
      Math.max,
    ),
  });
}

/** The worst verdict of the experiments that a workflow ran; undefined when it ran none. */
export function workflowVerdict({ nodes }: Graph, state: WorkflowState): Verdict | undefined {
  const verdicts = [...nodes.keys()].flatMap((id) => stateOf(state, id).result?.verdict ?? []);
  return (['NotHeld', 'Inconclusive', 'Held'] as const).find((verdict) => verdicts.includes(verdict));
}
