/** Injects a target by the daemon of its node, or asks that daemon what it would do. */
import type { ExperimentSpec, TargetStatus } from '@chaosplane/api';
import {
  idempotencyKey,
  isPassing,
  isRefusal,
  planText,
  reasonOf,
  send,
  type Injection,
  type WirePeer,
} from '@chaosplane/client';
import { ChaosError, defined, type Clock } from '@chaosplane/common';
import type { Executor, Injected } from '@chaosplane/lifecycle';
import type { ChaosDaemonClient } from '@chaosplane/proto';
import { ClientError, Status } from 'nice-grpc';
import type { WireProbes } from '../../targets/probes.ts';
import type { Reach, ReachParts } from './reach.ts';
import { nodeOf } from './node-executions.ts';

/** What targets are injected with. */
export interface InjectParts extends Pick<ReachParts, 'daemons' | 'signal'> {
  /** Undefined: it cannot be understood, and nothing is injected. */
  readonly spec: ExperimentSpec | undefined;
  readonly experimentId: string;
  readonly epoch: number;
  /** The peers of this moment; throws when they cannot be told. */
  readonly peers: () => readonly WirePeer[];
  /** The first container of a pod that runs, as Kubernetes prints it. */
  readonly containerOf: (target: TargetStatus) => string | undefined;
  /** The kubelet's traffic to a pod; undefined when there is none. */
  readonly kubeletProbesOf: (target: TargetStatus) => WireProbes | undefined;
  readonly clock: Clock;
}

export function injector(parts: InjectParts, { limit }: Reach): Pick<Executor, 'inject' | 'preview'> {
  const { experimentId, daemons, epoch, clock } = parts;
  const request = (target: TargetStatus, ttlMs: number | undefined, dryRun: boolean): Injection => {
    const { spec } = parts;
    if (spec === undefined) throw new ChaosError('INTERNAL', `the spec of ${experimentId} cannot be understood`);
    const [containerId, probes] = [parts.containerOf(target), parts.kubeletProbesOf(target)];
    return {
      spec,
      ...defined({ containerId, probes }),
      experimentId,
      target,
      ttlMs: ttlMs ?? spec.duration,
      dryRun,
      peers: parts.peers(),
      epoch,
    };
  };

  async function adopt(client: ChaosDaemonClient, target: TargetStatus, ttlMs: number): Promise<Injected> {
    const key = idempotencyKey(experimentId, target.uid);
    const { executions } = await client.listExecutions({ experimentId, includeEnded: true }, { signal: limit() });
    const found = executions.find((execution) => execution.idempotencyKey === key);
    if (found === undefined) return { kind: 'missed', why: 'its node has another execution under the same key' };
    const { executionId, expiresAt } = found;
    return { kind: 'injected', executionId, expiresAt: expiresAt?.getTime() ?? clock.now() + ttlMs };
  }

  return {
    async inject(target, ttlMs, signal): Promise<Injected> {
      const client = daemons.of(nodeOf(target));
      try {
        const { executionId } = await send(client, request(target, ttlMs, false), limit(signal));
        return { kind: 'injected', executionId, expiresAt: clock.now() + ttlMs };
      } catch (error) {
        // The operator ends; what the daemon answered is not known, and the next one asks again.
        parts.signal.throwIfAborted();
        if (isPassing(error) || isRefusal(error)) return { kind: 'retry', why: reasonOf(error) };
        // The same key with other peers, or from a node with other addresses: it was asked for before, by an operator that did not live to write it down.
        if (error instanceof ClientError && error.code === Status.ALREADY_EXISTS) return adopt(client, target, ttlMs);
        return { kind: 'missed', why: reasonOf(error) };
      }
    },
    async preview(target) {
      if (daemons.isUnresponsive(nodeOf(target)))
        throw new ChaosError('UNAVAILABLE', `the daemon of ${nodeOf(target)} does not answer`);
      const { plan, message } = await send(daemons.of(nodeOf(target)), request(target, undefined, true), limit());
      return plan === undefined ? message : `${plan.steps.length} steps\n${planText(plan.steps)}`;
    },
  };
}
