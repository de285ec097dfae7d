/** The controller of ChaosExperiments: observe, decide, act, report; turn after turn, until there is nothing to do for a while. */
import { ChaosError, defined } from '@chaosplane/common';
import { decide } from '@chaosplane/lifecycle';
import {
  isFinal,
  parseExperiment,
  type ChaosExperiment,
  type ExperimentSpec,
  type ExperimentStatus,
  chaosExperiments,
  whyAbort,
  type ExperimentObject,
} from '@chaosplane/api';
import { keyOf, refOfKey, type Reconciler } from '@chaosplane/kube';
import { createCalls } from '../daemons/calls.ts';
import { act } from './act.ts';
import { createAdmission, type Admission } from './admission.ts';
import { specAsApplied } from './applied.ts';
import { finalize } from './finalize.ts';
import { collectInjections } from './injecting.ts';
import { observe } from './observe.ts';
import { stopProbing } from './probing.ts';
import { rehearse } from './dry-run.ts';
import { report } from './report.ts';
import { experimentIdOf, type ControllerParts, type Memory, type Next, type Run } from './run.ts';
import { createStore, type Stored } from './store.ts';

/** The reconciler of the work queue; keys are `namespace/name`. */
export function experimentReconciler(parts: ControllerParts): Reconciler {
  const { client, clock } = parts;
  const store = createStore(client, clock);
  const memories = new Map<string, Memory>();
  const admission = createAdmission(parts.experimentsPerNamespace, parts.experiments);
  parts.experiments.onChange(({ type, object, previous = object }) => {
    const aborted = previous !== object && whyAbort(previous) === undefined && whyAbort(object) !== undefined;
    if (type === 'deleted' || aborted) memories.get(keyOf(object.metadata))?.calls.hurry();
  });
  return async (key, signal) => {
    const ref = refOfKey(key);
    const known = memories.get(key);
    const kept = unchanged(known, parts.experiments.get(ref));
    // Otherwise not from the cache: decisions build on what was written last, by whomever.
    const object = kept?.object ?? (await client.get(chaosExperiments, ref, { signal }));
    // Somebody may have let go of it, whatever it did then.
    if (known !== undefined && known.uid !== object?.metadata.uid) forget(memories, key, admission);
    if (object === undefined) return undefined;
    const { uid = '' } = object.metadata;
    const memory = memories.get(key) ?? newMemory(uid, { clock, wake: () => parts.wake(key) });
    memories.set(key, memory);
    // A visit that fails leaves nothing to go on from.
    delete memory.stored;
    const stored = kept ?? (await store.load(object, signal));
    const parsed = parse(object);
    const { experiment } = parsed;
    const { status, why } =
      parsed.broken === undefined ? trusted(stored, experiment.spec) : { ...stored, why: parsed.broken };
    const experimentId = experimentIdOf(object);
    const run: Run = {
      ...parts,
      experiment,
      experimentId,
      executor: parts.executorOf(experiment, experimentId, {
        signal,
        everywhere: stored.incomplete,
        calls: memory.calls,
      }),
      store,
      memory,
      admission,
      signal,
      ...defined({ broken: why }),
      stored,
      status,
      savedAt: clock.monotonic(),
    };
    const next = await visit(run);
    memory.stored = run.stored;
    if (isFinal(run.status)) forget(memories, key, admission);
    return next;
  };
}

/** What the last visit left behind, when the API server has nothing newer; a write over what is older than that is refused. */
function unchanged(memory: Memory | undefined, latest: ExperimentObject | undefined): Stored | undefined {
  const stored = memory?.stored;
  if (stored === undefined || stored.incomplete || latest === undefined) return undefined;
  const { uid, resourceVersion } = stored.object.metadata;
  return latest.metadata.uid === uid && latest.metadata.resourceVersion === resourceVersion ? stored : undefined;
}

function forget(memories: Map<string, Memory>, key: string, admission: Admission): void {
  const memory = memories.get(key);
  admission.leave(memory?.uid ?? '');
  if (memory !== undefined) stopProbing(memory);
  memory?.calls.stop('');
  memories.delete(key);
}

function newMemory(uid: string, { clock, wake }: Parameters<typeof createCalls>[0]): Memory {
  const calls = createCalls({ clock, wake });
  const never = { evidenceAt: -Infinity, leftAt: -Infinity };
  return { uid, ...never, asked: '', tried: new Map(), later: new Map(), calls };
}

async function visit(run: Run): Promise<Next> {
  if (isFinal(run.status)) return finalize(run);
  const isNew = run.status.phase === 'Pending';
  if (isNew && run.broken !== undefined) return refuse(run, 'InvalidSpec', run.broken);
  if (run.experiment.spec.execution.dryRun) return rehearse(run);
  const full = isNew ? run.admission.admit(run.stored.object) : undefined;
  if (full !== undefined) return refuse(run, 'TooManyExperiments', full);
  for (;;) {
    run.signal.throwIfAborted();
    collectInjections(run);
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
function parse(object: ExperimentObject): {
  readonly experiment: ChaosExperiment;
  readonly broken?: string;
} {
  const { apiVersion, kind, metadata } = object;
  try {
    return { experiment: parseExperiment({ apiVersion, kind, metadata, spec: specAsApplied(object) }, 'cluster') };
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

async function refuse(run: Run, reason: 'InvalidSpec' | 'TooManyExperiments', message: string): Promise<Next> {
  const condition = { type: 'Selected', status: 'False', reason, message } as const;
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
