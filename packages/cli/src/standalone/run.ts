/** Runs an experiment on this machine: observe, decide, act, until it is over. */
import { ChaosError, type Clock, defined } from '@chaosplane/common';
import type { ContainerRuntime } from '@chaosplane/daemon';
import { decide, type Decision, type ObservedExecution, type ProbeOutcome } from '@chaosplane/lifecycle';
import {
  experimentId,
  initialStatus,
  isFinal,
  withTargets,
  type ChaosExperiment,
  type ExperimentStatus,
  type TargetStatus,
} from '@chaosplane/api';
import { evidenceOf, isPassing, observed, reasonOf, resolvePeers, send } from '@chaosplane/client';
import { runProbes } from '@chaosplane/probes';
import { durationOf, type ChaosDaemonClient } from '@chaosplane/proto';
import { findCandidates, firstContainer } from './candidates.ts';

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
interface Run extends RunParts {
  readonly experimentId: string;
  readonly seed: number;
  status: ExperimentStatus;
  before?: ProbeOutcome;
  after?: ProbeOutcome;
  /** What nobody expected; everything is recovered before it is told. */
  failure?: Error;
  /** Executions whose cancel was answered. */
  readonly cancelled: Set<string>;
}

/** How long a daemon may be silent while the experiment runs, and while the user wants it to end. */
const SILENT_MS = 60_000;
const SILENT_AT_END_MS = 5000;

function daemonGone(cause: unknown): ChaosError {
  const what = 'the daemon does not answer any more; what is active ends by itself at its deadline at the latest';
  return new ChaosError('UNAVAILABLE', `${what}: chaosplane recover --all undoes it now`, { cause });
}

/** How long to wait before a daemon that could not be reached is asked again. */
const RETRY_MS = 500;

/** Resolves with the final status. The abort signal shortens the run, never the recovery. */
export async function runExperiment(parts: RunParts): Promise<ExperimentStatus> {
  const { experiment, clock } = parts;
  const run: Run = {
    ...parts,
    experimentId: experimentId(experiment.metadata, clock.randomHex(4)),
    seed: Math.floor(clock.random() * 2 ** 31),
    status: initialStatus,
    cancelled: new Set(),
  };
  let silentSince: number | undefined;
  while (!isFinal(run.status)) {
    try {
      await act(run, decide(await observe(run), clock.now()));
      silentSince = undefined;
    } catch (error) {
      // The daemon is away for a moment: an upgrade, a restart. Its journal has everything; the next one knows us.
      if (!isPassing(error)) {
        if (run.failure !== undefined) throw error;
        run.failure = error instanceof Error ? error : new Error(String(error));
        continue;
      }
      silentSince ??= clock.monotonic();
      if (clock.monotonic() - silentSince > (parts.abort.aborted ? SILENT_AT_END_MS : SILENT_MS))
        throw daemonGone(error);
      await clock.sleep(RETRY_MS);
    }
    run.onStatus(run.status);
  }
  if (run.failure !== undefined) throw run.failure;
  return run.status;
}

async function observe(run: Run): Promise<Parameters<typeof decide>[0]> {
  const { experiment, client, runtime, status, before, after, seed, experimentId } = run;
  const pending = status.phase === 'Pending';
  const { executions } = pending
    ? { executions: [] }
    : await client.listExecutions({ experimentId, includeEnded: true });
  return {
    spec: experiment.spec,
    status,
    seed,
    candidates: pending ? await findCandidates({ runtime, client }, experiment.spec.target) : [],
    executions: new Map([
      // A daemon that lost its journal knows nothing of what it was asked to undo, and has swept it at its start.
      ...[...run.cancelled].map((id): [string, ObservedExecution] => [
        id,
        { live: false, endReason: 'not known any more' },
      ]),
      ...executions.map((execution): [string, ObservedExecution] => [execution.executionId, observed(execution)]),
    ]),
    ...defined({ before, after }),
    ...abortOf(run),
  };
}

function abortOf({ abort, failure }: Run): { readonly abort?: string } {
  if (failure !== undefined) return { abort: failure.message };
  return abort.aborted ? { abort: String(abort.reason) } : {};
}

async function act(run: Run, decision: Decision): Promise<void> {
  switch (decision.kind) {
    case 'advance':
      run.status = decision.status;
      return;
    case 'inject':
      await inject(run, decision.targets, decision.ttlMs);
      return;
    case 'extend': {
      const ttl = durationOf(decision.ttlMs);
      await run.client.renewLease({ executions: decision.executionIds.map((executionId) => ({ executionId, ttl })) });
      run.status = decision.status;
      return;
    }
    case 'cancel':
      await cancel(run, decision.executionIds);
      return;
    case 'probe':
      run[decision.side] = await runProbes(run.experiment.spec.steadyState[decision.side], {
        clock: run.clock,
        signal: run.abort,
        // Who runs it is on this machine, and could ask the same.
        allowLocal: true,
      });
      if (!run[decision.side]?.passed) await pause(run, RETRY_MS);
      return;
    case 'wait':
      run.status = await withEvidence(run);
      run.onStatus(run.status);
      await pause(run, decision.until - run.clock.now());
      return;
    case 'done':
      return;
  }
}

async function inject(run: Run, targets: readonly TargetStatus[], ttlMs: number): Promise<void> {
  const { experiment, experimentId, client, clock } = run;
  const outcomes = await Promise.all(
    targets.map(async (target): Promise<[string, Partial<TargetStatus>]> => {
      try {
        const { executionId } = await send(client, {
          spec: experiment.spec,
          experimentId,
          target,
          ttlMs,
          dryRun: false,
          ...(await firstContainer(run.runtime, target)),
          peers: resolvePeers(experiment.spec),
        });
        return [target.uid, { state: 'Injected', executionId, injectedAt: clock.now() }];
      } catch (error) {
        if (isPassing(error)) return [target.uid, {}];
        return [target.uid, { state: 'Missed', message: reasonOf(error) }];
      }
    }),
  );
  run.status = withTargets(run.status, new Map(outcomes));
  if (outcomes.some(([, change]) => change.state === undefined)) await pause(run, RETRY_MS);
}

/** A cancel that fails is retried by the daemon itself, and by the next turn of the loop. */
async function cancel(run: Run, executionIds: readonly string[]): Promise<void> {
  const results = await Promise.allSettled(executionIds.map((executionId) => run.client.cancelChaos({ executionId })));
  results.forEach(({ status }, index) => {
    const executionId = executionIds[index];
    if (status === 'fulfilled' && executionId !== undefined) run.cancelled.add(executionId);
  });
  if (results.some(({ status }) => status === 'rejected')) await run.clock.sleep(RETRY_MS);
}

/** The evidence of this moment, for people who watch. */
async function withEvidence(run: Run): Promise<ExperimentStatus> {
  const { executions } = await run.client.listExecutions({ experimentId: run.experimentId, includeEnded: false });
  const byId = new Map(executions.map((execution) => [execution.executionId, execution]));
  const changes = run.status.targets.flatMap(({ uid, executionId }): [string, Partial<TargetStatus>][] => {
    const evidence = byId.get(executionId ?? '')?.evidence;
    return evidence === undefined ? [] : [[uid, { evidence: evidenceOf(evidence) }]];
  });
  return withTargets(run.status, new Map(changes));
}

/** Waits, but not when the experiment is to end. */
async function pause({ clock, abort }: Run, ms: number): Promise<void> {
  await clock.sleep(Math.max(0, ms), abort).catch(() => undefined);
}
