/** Runs an experiment on this machine: observe, decide, carry out, until it is over; of a dry run, one time. */
import {
  experimentId,
  initialStatus,
  isFinal,
  withTargets,
  type ChaosExperiment,
  type ExperimentStatus,
} from '@chaosplane/api';
import { isPassing, reasonOf } from '@chaosplane/client';
import { ChaosError, defined, type Clock } from '@chaosplane/common';
import type { ContainerRuntime } from '@chaosplane/daemon';
import {
  carryOut,
  changeOf,
  choosesTargets,
  decide,
  newDecisionMemory,
  type Injections,
  type DecisionMemory,
  type Observation,
  type Ports,
  type StatusStore,
} from '@chaosplane/lifecycle';
import { isSampled, runProbes, startSampling, type Sampling } from '@chaosplane/probes';
import type { ChaosDaemonClient } from '@chaosplane/proto';
import { findCandidates } from './candidates.ts';
import { localExecutor } from './executor.ts';

/** What a run is made of. */
export interface RunParts {
  readonly experiment: ChaosExperiment;
  readonly client: ChaosDaemonClient;
  readonly runtime: ContainerRuntime;
  readonly clock: Clock;
  /** Aborting it aborts the experiment; everything is recovered first. */
  readonly abort: AbortSignal;
  readonly onStatus: (status: ExperimentStatus) => void;
}

/** One run; what it has learned so far. */
interface Run {
  readonly store: StatusStore;
  readonly memory: DecisionMemory;
  readonly seed: number;
  readonly executor: Ports['executor'];
  /** The probes that are asked again and again. */
  sampling?: Sampling;
  /** Is aborted when an abort condition wants the experiment to end. */
  readonly guard: AbortController;
  /** An error that was not expected; everything is recovered before it is told. */
  failure?: Error;
}

/** How long a daemon may be silent while the experiment runs, and while the user wants it to end. */
const SILENT_MS = 60_000;
const SILENT_AT_END_MS = 5000;

function daemonGone(cause: unknown): ChaosError {
  const what = 'the daemon does not answer any more; what is active ends by itself at its deadline at the latest';
  return new ChaosError('UNAVAILABLE', `${what}: chaosplane recover --all undoes it now`, { cause });
}

/** How long to wait before something that did not succeed is tried again. */
const RETRY_MS = 500;

/** Resolves with the final status. The abort signal shortens the run, never the recovery. */
export async function runExperiment(parts: RunParts): Promise<ExperimentStatus> {
  const { experiment, client, runtime, clock, abort, onStatus } = parts;
  const { spec, metadata } = experiment;
  const store: StatusStore = { status: initialStatus, save: async () => undefined };
  const id = experimentId(metadata, clock.randomHex(4));
  const executor = localExecutor({ spec, experimentId: id, client, runtime });
  const seed = Math.floor(clock.random() * 2 ** 31);
  const run: Run = { store, executor, memory: newDecisionMemory(), guard: new AbortController(), seed };
  const ports = portsOf(run, parts);
  let silentSince: number | undefined;
  while (!isFinal(store.status)) {
    try {
      const observation = await observe(run, parts);
      const next = await carryOut(decide(observation, clock.now()), observation, ports);
      silentSince = undefined;
      onStatus(store.status);
      if (next !== undefined) await pause(next.requeueAfterMs, run, parts);
    } catch (error) {
      // The daemon is away for a moment: an upgrade, a restart. Its journal has everything; the next one knows us.
      if (!isPassing(error)) {
        if (run.failure !== undefined) throw error;
        run.failure = error instanceof Error ? error : new Error(String(error));
        continue;
      }
      silentSince ??= clock.monotonic();
      if (clock.monotonic() - silentSince > (abort.aborted ? SILENT_AT_END_MS : SILENT_MS)) throw daemonGone(error);
      await clock.sleep(RETRY_MS);
      onStatus(store.status);
    }
  }
  run.sampling?.stop();
  if (run.failure !== undefined) throw run.failure;
  return store.status;
}

/** Decides as a real run does, and changes nothing; resolves with what the status says of it then. */
export async function previewExperiment(parts: Omit<RunParts, 'onStatus'>): Promise<ExperimentStatus> {
  const { experiment, client, runtime, clock } = parts;
  const { spec } = experiment;
  const dry = { ...experiment, spec: { ...spec, execution: { ...spec.execution, dryRun: true } } };
  const store: StatusStore = { status: initialStatus, save: async () => undefined };
  const executor = localExecutor({ spec, experimentId: 'dry-run', client, runtime });
  const run: Run = { store, executor, memory: newDecisionMemory(), guard: new AbortController(), seed: 0 };
  const observation = await observe(run, { ...parts, experiment: dry });
  await carryOut(decide(observation, clock.now()), observation, portsOf(run, parts));
  return store.status;
}

async function observe(run: Run, parts: Omit<RunParts, 'onStatus'>): Promise<Observation> {
  const { experiment, runtime, client, abort } = parts;
  const sampled = samplingOf(run, parts);
  const { memory, seed, executor, failure } = run;
  const { status } = run.store;
  const pending = status.phase === 'Pending';
  const why = failure?.message ?? (abort.aborted ? reasonOf(abort.reason) : sampled?.abortOf(status));
  return {
    spec: experiment.spec,
    status,
    // All pods of the machine may be told by their names.
    home: experiment.spec.target.namespace,
    seed,
    candidates: choosesTargets(experiment.spec, status)
      ? await findCandidates({ runtime, client }, experiment.spec.target)
      : [],
    executions: pending ? new Map() : await executor.observe(status.targets, 'all'),
    ...defined({ before: memory.before, after: memory.after, abort: why }),
    ...defined({ samples: sampled?.collect(status), guarded: sampled?.isGuarded }),
  };
}

/** What is asked again and again, begun when the targets are chosen; undefined when there is nothing to ask. */
function samplingOf(run: Run, { experiment: { spec }, clock }: Omit<RunParts, 'onStatus'>): Sampling | undefined {
  if (!isSampled(spec) || run.store.status.phase === 'Pending') return undefined;
  const { signal } = new AbortController();
  return (run.sampling ??= startSampling(
    spec,
    { clock, signal, allowLocal: true },
    { onAbort: () => run.guard.abort() },
  ));
}

function portsOf(
  { store, memory, executor }: Run,
  { experiment, clock, abort: signal }: Omit<RunParts, 'onStatus'>,
): Ports {
  return {
    ...{ store, memory, executor, clock, reasonOf, retryMs: RETRY_MS, evidenceMs: 0 },
    injections: injectionsOf(store, { executor, clock, signal }),
    probes: {
      // The author of the probes is on this machine, and could ask the same.
      ask: (side) => runProbes(experiment.spec.steadyState[side], { clock, signal, allowLocal: true }),
      stop: () => undefined,
    },
  };
}

/** All at once; the answers are waited for. */
function injectionsOf(
  store: StatusStore,
  { executor, clock, signal }: Pick<Ports, 'executor'> & { readonly clock: Clock; readonly signal: AbortSignal },
): Injections {
  return {
    async begin(targets, ttlMs) {
      const changes = await Promise.all(
        targets.map(async (target) => {
          const change = changeOf(await executor.inject(target, ttlMs, signal), clock.now());
          return [target.uid, change] as const;
        }),
      );
      store.status = withTargets(store.status, new Map(changes.map(([uid, change]) => [uid, change ?? {}])));
      return changes.some(([, change]) => change === undefined) ? { requeueAfterMs: RETRY_MS } : undefined;
    },
    wait: async (until) => ({ requeueAfterMs: Math.max(0, until - clock.now()) }),
  };
}

/** Waits, but not when the experiment is to end; a recovery that has to be tried again is waited for all the same. */
async function pause(ms: number, { store, guard }: Run, { clock, abort }: RunParts): Promise<void> {
  const ends = store.status.phase === 'Recovering' ? undefined : AbortSignal.any([abort, guard.signal]);
  await clock.sleep(ms, ends).catch(() => undefined);
}
