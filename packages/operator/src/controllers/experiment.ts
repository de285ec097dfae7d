/** The controller of ChaosExperiments: observe, decide, act, report; turn after turn, until there is nothing to do for a while. */
import { ChaosError } from '@chaosplane/common';
import { decide, isFinal, parseExperiment, type ChaosExperiment, type ExperimentStatus } from '@chaosplane/experiment';
import { refOfKey, type Reconciler } from '@chaosplane/kube';
import { chaosExperiments, type ExperimentObject } from '../api/resources.ts';
import { act } from './act.ts';
import { finalize } from './finalize.ts';
import { observe } from './observe.ts';
import { rehearse } from './rehearse.ts';
import { report } from './report.ts';
import { experimentIdOf, type ControllerParts, type Memory, type Next, type Run } from './run.ts';
import { createStore } from './store.ts';

/** The reconciler of the work queue; keys are `namespace/name`. */
export function experimentReconciler(parts: ControllerParts): Reconciler {
  const { client, clock } = parts;
  const store = createStore(client, clock);
  const memories = new Map<string, Memory>();
  return async (key, signal) => {
    // Not from the cache: decisions build on what was written last, by whomever.
    const object = await client.get(chaosExperiments, refOfKey(key), { signal });
    if (object === undefined) return undefined;
    const uid = object.metadata.uid ?? '';
    const memory = memories.get(uid) ?? { evidenceAt: -Infinity, asked: '' };
    const stored = await store.load(object, signal);
    const { experiment, broken } = parse(object);
    const experimentId = experimentIdOf(object);
    const run: Run = {
      ...parts,
      experiment,
      experimentId,
      executor: parts.executorOf(experiment, experimentId, signal),
      store,
      memory,
      signal,
      ...(broken === undefined ? {} : { broken }),
      stored,
      status: stored.status,
      savedAt: clock.monotonic(),
    };
    const next = await visit(run);
    if (isFinal(run.status)) memories.delete(uid);
    else memories.set(uid, memory);
    return next;
  };
}

async function visit(run: Run): Promise<Next> {
  if (isFinal(run.status)) return finalize(run);
  if (run.broken !== undefined && run.status.targets.length === 0) return refuse(run, run.broken);
  if (run.experiment.spec.execution.dryRun) return rehearse(run);
  for (;;) {
    run.signal.throwIfAborted();
    const observation = await observe(run);
    const next = await act(run, decide(observation, run.clock.now()), observation);
    await report(run, next !== undefined);
    if (isFinal(run.status)) return finalize(run);
    if (next !== undefined) return next;
  }
}

/** What the API server let pass and we do not understand: nothing is begun, and what runs already is recovered. */
function parse({ apiVersion, kind, metadata, spec }: ExperimentObject): {
  readonly experiment: ChaosExperiment;
  readonly broken?: string;
} {
  try {
    return { experiment: parseExperiment({ apiVersion, kind, metadata, spec }, 'cluster') };
  } catch (error) {
    if (!(error instanceof ChaosError)) throw error;
    return {
      experiment: parseExperiment({ apiVersion, kind, metadata, spec: nothing }, 'cluster'),
      broken: error.message,
    };
  }
}

/** A spec that stands in for one that cannot be understood; only its recovery is ever used. */
const nothing = {
  target: { names: ['nobody'] },
  action: { type: 'network-partition', parameters: { peers: '192.0.2.1' } },
  duration: '1s',
};

async function refuse(run: Run, message: string): Promise<Next> {
  const condition = { type: 'Selected', status: 'False', reason: 'InvalidSpec', message } as const;
  const outcome = { phase: 'Failed', message } as const;
  const status: ExperimentStatus = {
    ...run.status,
    phase: 'Failed',
    endedAt: run.clock.now(),
    outcome,
    conditions: [condition],
  };
  run.status = status;
  await report(run, true);
  return undefined;
}
