/** Carries an experiment out on this machine: one daemon, which every request waits for. */
import type { ExperimentSpec } from '@chaosplane/api';
import { isPassing, observed, planText, reasonOf, resolvePeers, send, type Injection } from '@chaosplane/client';
import { defined } from '@chaosplane/common';
import type { ContainerRuntime } from '@chaosplane/daemon';
import type { Candidate, Executor, ObservedExecution } from '@chaosplane/lifecycle';
import { durationOf, type ChaosDaemonClient } from '@chaosplane/proto';
import { firstContainer } from './candidates.ts';

/** What an executor is made of. */
export interface LocalParts {
  readonly spec: ExperimentSpec;
  readonly experimentId: string;
  readonly client: ChaosDaemonClient;
  readonly runtime: ContainerRuntime;
}

/** An executor for one experiment. What a call throws that is not an answer to it is thrown. */
export function localExecutor({ spec, experimentId, client, runtime }: LocalParts): Executor {
  /** Executions whose cancel was answered. */
  const cancelled = new Set<string>();

  const request = async (
    target: Pick<Candidate, 'namespace' | 'name' | 'uid'>,
    ttlMs: number,
    dryRun: boolean,
  ): Promise<Injection> => ({
    ...{ spec, experimentId, target, ttlMs, dryRun },
    ...(await firstContainer(runtime, target)),
    peers: resolvePeers(spec),
  });

  return {
    isUnresponsive: () => false,
    async inject(target, ttlMs) {
      try {
        const { executionId, expiresAt } = await send(client, await request(target, ttlMs, false));
        return { kind: 'injected', executionId, ...defined({ expiresAt: expiresAt?.getTime() }) };
      } catch (error) {
        return { kind: isPassing(error) ? 'retry' : 'missed', why: reasonOf(error) };
      }
    },
    async preview(target) {
      const { plan } = await send(client, await request(target, spec.duration, true));
      return planText(plan?.steps ?? []);
    },
    async observe() {
      const { executions } = await client.listExecutions({ experimentId, includeEnded: true });
      // A daemon that lost its journal knows nothing of what it was asked to undo, and has swept it at its start.
      const gone = [...cancelled].map((id): [string, ObservedExecution] => [
        id,
        { live: false, endReason: 'not known any more' },
      ]);
      return new Map([...gone, ...executions.map((one) => [one.executionId, observed(one)] as const)]);
    },
    // A cancel that fails is retried by the daemon itself, and by the next turn of the loop.
    async cancel(executionIds) {
      const results = await Promise.allSettled(executionIds.map((executionId) => client.cancelChaos({ executionId })));
      const done = executionIds.filter((_id, index) => results[index]?.status === 'fulfilled');
      for (const id of done) cancelled.add(id);
      return done.length === executionIds.length ? 'all' : 'none';
    },
    deadline: {
      async extend(executionIds, _targets, ttlMs) {
        const ttl = durationOf(ttlMs);
        await client.renewLease({ executions: executionIds.map((executionId) => ({ executionId, ttl })) });
      },
    },
  };
}
