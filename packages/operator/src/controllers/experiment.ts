/** The controller of ChaosExperiments: observe, decide, act, report; turn after turn, until there is nothing to do for a while. */
import { ChaosError } from '@chaosplane/common';
import {
  decide,
  isFinal,
  parseExperiment,
  type ChaosExperiment,
  type ExperimentSpec,
  type ExperimentStatus,
} from '@chaosplane/experiment';
import { refOfKey, type Reconciler } from '@chaosplane/kube';
import { chaosExperiments, type ExperimentObject } from '../api/resources.ts';
import { act } from './act.ts';
import { finalize } from './finalize.ts';
import { observe } from './observe.ts';
import { stopProbing } from './probing.ts';
import { rehearse } from './rehearse.ts';
import { report } from './report.ts';
import { experimentIdOf, type ControllerParts, type Memory, type Next, type Run } from './run.ts';
import { createStore, type Stored } from './store.ts';

/** The reconciler of the work queue; keys are `namespace/name`. */
export function experimentReconciler(parts: ControllerParts): Reconciler {
  const { client, clock } = parts;
  const store = createStore(client, clock);
  const memories = new Map<string, Memory>();
  return async (key, signal) => {
    // Not from the cache: decisions build on what was written last, by whomever.
    const object = await client.get(chaosExperiments, refOfKey(key), { signal });
    const known = memories.get(key);
    // Somebody may have let go of it, whatever it did then.
    if (known !== undefined && known.uid !== object?.metadata.uid) forget(memories, key);
    if (object === undefined) return undefined;
    const { uid = '' } = object.metadata;
    const memory = memories.get(key) ?? { uid, evidenceAt: -Infinity, asked: '', tried: new Map() };
    memories.set(key, memory);
    const stored = await store.load(object, signal);
    const parsed = parse(object);
    const { experiment } = parsed;
    const { status, why } =
      parsed.broken === undefined ? trusted(stored, experiment.spec) : { ...stored, why: parsed.broken };
    const experimentId = experimentIdOf(object);
    const run: Run = {
      ...parts,
      experiment,
      experimentId,
      executor: parts.executorOf(experiment, experimentId, { signal, everywhere: stored.incomplete }),
      store,
      memory,
      signal,
      ...(why === undefined ? {} : { broken: why }),
      stored,
      status,
      savedAt: clock.monotonic(),
    };
    const next = await visit(run);
    if (isFinal(run.status)) forget(memories, key);
    return next;
  };
}

function forget(memories: Map<string, Memory>, key: string): void {
  const memory = memories.get(key);
  if (memory !== undefined) stopProbing(memory);
  memories.delete(key);
}

async function visit(run: Run): Promise<Next> {
  if (isFinal(run.status)) return finalize(run);
  if (run.broken !== undefined && run.status.phase === 'Pending') return refuse(run, run.broken);
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

/**
 * Who may write shards is not who may hit pods: the list of targets is taken at its word within the target's namespace only.
 * What is in it besides was never injected by us, and is not ours to recover either.
 */
function trusted({ status, incomplete }: Stored, { target }: ExperimentSpec): Pick<Run, 'status'> & { why?: string } {
  const own = status.targets.filter(({ namespace }) => namespace === target.namespace);
  const honest = own.length === status.targets.length;
  if (honest && !incomplete) return { status };
  return { status: honest ? status : { ...status, targets: own }, why: 'somebody else changed its list of targets' };
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
