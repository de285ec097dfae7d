/** Actions that the daemons carry out: each target by the daemon of its node. */
import type { Clock, Logger } from '@chaosplane/common';
import type { ExperimentSpec, ObservedExecution, TargetStatus } from '@chaosplane/experiment';
import { durationOf, type ChaosDaemonClient, type DeepPartial, type ExecutionDeadline } from '@chaosplane/proto';
import { ClientError, Status } from 'nice-grpc';
import pMap from 'p-map';
import { CALL_MS, type Daemons } from '../daemons/daemons.ts';
import { idempotencyKey, isPassing, observed, reasonOf, send } from '../daemons/requests.ts';
import type { WirePeer } from '../targets/peers.ts';
import { EXPIRY_MARGIN_MS, type Executor, type Injected } from './executor.ts';

/** What an executor is made of. */
export interface DaemonExecutorParts {
  readonly spec: ExperimentSpec;
  readonly experimentId: string;
  readonly daemons: Daemons;
  readonly epoch: number;
  readonly leaseTtlMs: number;
  /** Whether the cluster still has that node. */
  readonly nodeExists: (node: string) => boolean;
  /** Nodes that are asked for executions although no target is known to be there. */
  readonly alsoAsk: readonly string[];
  /** The peers of this moment; throws when they cannot be told. */
  readonly peers: () => readonly WirePeer[];
  /** The same for executions that are there already; undefined when they cannot change. */
  readonly followed: () => readonly WirePeer[] | undefined;
  /** The first container of a pod that runs, as Kubernetes prints it. */
  readonly containerOf: (target: TargetStatus) => string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** Nodes that are asked at the same time. */
const PARALLEL_NODES = 32;

/** An executor for one experiment. */
export function daemonExecutor(parts: DaemonExecutorParts): Executor {
  const { spec, experimentId, daemons, epoch, clock, logger } = parts;
  /** Where an execution was seen that no target's status knows. */
  const seenOn = new Map<string, string>();
  const limit = (): AbortSignal => AbortSignal.any([parts.signal, AbortSignal.timeout(CALL_MS)]);
  const containerOf = (target: TargetStatus): { containerId?: string } => {
    const containerId = parts.containerOf(target);
    return containerId === undefined ? {} : { containerId };
  };
  const request = (target: TargetStatus, ttlMs: number, dryRun: boolean) => ({
    spec,
    ...containerOf(target),
    experimentId,
    target,
    ttlMs,
    dryRun,
    peers: parts.peers(),
    epoch,
  });

  async function inject(target: TargetStatus, ttlMs: number): Promise<Injected> {
    const client = daemons.of(nodeOf(target));
    try {
      const { executionId } = await send(client, request(target, ttlMs, false), limit());
      return { kind: 'injected', executionId, expiresAt: clock.now() + ttlMs };
    } catch (error) {
      // The operator ends; what the daemon answered is not known, and the next one asks again.
      parts.signal.throwIfAborted();
      if (isPassing(error)) return { kind: 'retry', why: reasonOf(error) };
      // The same key with other peers: it was asked for before, by an operator that did not live to write it down.
      if (error instanceof ClientError && error.code === Status.ALREADY_EXISTS) return adopt(client, target, ttlMs);
      return { kind: 'missed', why: reasonOf(error) };
    }
  }

  async function adopt(client: ChaosDaemonClient, target: TargetStatus, ttlMs: number): Promise<Injected> {
    const key = idempotencyKey(experimentId, target.uid);
    const { executions } = await client.listExecutions({ experimentId, includeEnded: true }, { signal: limit() });
    const found = executions.find((execution) => execution.idempotencyKey === key);
    if (found === undefined) return { kind: 'missed', why: 'its node has another execution under the same key' };
    const { executionId, expiresAt } = found;
    return { kind: 'injected', executionId, expiresAt: expiresAt?.getTime() ?? clock.now() + ttlMs };
  }

  async function ofNode(node: string, targets: readonly TargetStatus[]): Promise<[string, ObservedExecution][]> {
    try {
      const { executions } = await daemons
        .of(node)
        .listExecutions({ experimentId, includeEnded: true }, { signal: limit() });
      const known = new Set(executions.map(({ executionId }) => executionId));
      for (const id of known) seenOn.set(id, node);
      // A daemon that lost its journal has swept, at its start, whatever it was asked for before.
      const lost = targets.flatMap(({ executionId }): [string, ObservedExecution][] =>
        executionId === undefined || known.has(executionId)
          ? []
          : [[executionId, { live: false, endReason: 'not known to its node any more' }]],
      );
      return [...lost, ...executions.map((one): [string, ObservedExecution] => [one.executionId, observed(one)])];
    } catch (error) {
      return targets.flatMap((target) => withoutDaemon(node, target, reasonOf(error)));
    }
  }

  /** What is certain of an execution although its daemon does not answer. */
  function withoutDaemon(node: string, target: TargetStatus, error: string): [string, ObservedExecution][] {
    const { executionId, expiresAt = Infinity } = target;
    if (executionId === undefined) return [];
    if (!parts.nodeExists(node)) return [[executionId, { live: false, endReason: 'its node is gone' }]];
    if (clock.now() > expiresAt + EXPIRY_MARGIN_MS) return [[executionId, { live: false, endReason: 'expired' }]];
    return [[executionId, { live: true, error: `the daemon of ${node} does not answer: ${error}` }]];
  }

  /** Renews the lease with this change of the targets' executions; true when every daemon has answered. */
  async function renew(
    targets: readonly TargetStatus[],
    change: Omit<DeepPartial<ExecutionDeadline>, 'executionId'>,
    failure: string,
  ): Promise<boolean> {
    const answers = await pMap(
      Map.groupBy(targets, nodeOf),
      async ([node, here]) => {
        const executions = here.map(({ executionId = '' }) => ({ executionId, ...change }));
        const lease = { operatorEpoch: BigInt(epoch), leaseTtl: durationOf(parts.leaseTtlMs) };
        try {
          await daemons.of(node).renewLease({ ...lease, executions }, { signal: limit() });
          return true;
        } catch (error) {
          logger.warn({ node, experiment: experimentId, error }, failure);
          return false;
        }
      },
      { concurrency: PARALLEL_NODES },
    );
    return answers.every(Boolean);
  }

  return {
    inject,
    async rehearse(target) {
      const { plan, message } = await send(daemons.of(nodeOf(target)), request(target, spec.duration, true), limit());
      return plan === undefined
        ? message
        : `${plan.steps.length} steps: ${plan.steps.map(({ tool }) => tool).join(', ')}`;
    },
    async observe(targets) {
      const homes = new Map(targets.map((target) => [target.executionId, nodeOf(target)]));
      const known = Map.groupBy(targets, nodeOf);
      const nodes = new Map([...parts.alsoAsk.map((node): [string, TargetStatus[]] => [node, []]), ...known]);
      const found = await pMap(
        nodes,
        async ([node, here]) => {
          const told = await ofNode(node, here);
          // Of what is elsewhere a daemon knows nothing, whatever it says.
          return told.filter(([id]) => (homes.get(id) ?? node) === node);
        },
        { concurrency: PARALLEL_NODES },
      );
      return new Map(found.flat());
    },
    async extend(executionIds, targets, ttlMs) {
      const ids = new Set(executionIds);
      const meant = targets.filter(({ executionId }) => executionId !== undefined && ids.has(executionId));
      // Where it fails, executions keep the deadline that they have; when that is too early, the status will say so.
      await renew(meant, { ttl: durationOf(ttlMs) }, 'deadlines not extended');
    },
    peersNow() {
      const peers = parts.followed();
      return peers === undefined ? undefined : JSON.stringify(peers);
    },
    async follow(targets) {
      const peers = parts.followed() ?? [];
      const meant = targets.filter(({ state, executionId }) => state === 'Injected' && executionId !== undefined);
      return renew(meant, { peers: { peers: [...peers] } }, 'peers not followed');
    },
    async cancel(executionIds, targets) {
      const nodes = new Map(targets.map((target) => [target.executionId, nodeOf(target)]));
      const answers = await pMap(
        executionIds,
        async (executionId) => {
          const node = nodes.get(executionId) ?? seenOn.get(executionId);
          if (node === undefined) return false;
          try {
            await daemons.of(node).cancelChaos({ executionId }, { signal: limit() });
            return true;
          } catch (error) {
            logger.info({ node, executionId, reason: reasonOf(error) }, 'cancel not done yet');
            return false;
          }
        },
        { concurrency: PARALLEL_NODES },
      );
      return answers.every(Boolean);
    },
  };
}

/** A pod that was chosen runs somewhere; without a node there is no daemon to ask, and the call fails by name. */
const nodeOf = ({ node }: TargetStatus): string => node ?? 'unknown';
