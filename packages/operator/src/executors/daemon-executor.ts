/** Actions that the daemons carry out: each target by the daemon of its node. */
import { ChaosError, type Clock, defined, type Logger } from '@chaosplane/common';
import type { ExperimentSpec, TargetStatus } from '@chaosplane/api';
import type { ObservedExecution } from '@chaosplane/lifecycle';
import { durationOf, type ChaosDaemonClient, type DeepPartial, type ExecutionDeadline } from '@chaosplane/proto';
import { ClientError, Status } from 'nice-grpc';
import pMap from 'p-map';
import type { Answer, Call, Calls } from '../daemons/calls.ts';
import { CALL_MS, type Daemons } from '../daemons/daemons.ts';
import { planText, idempotencyKey, isPassing, isRefusal, reasonOf, send, type WirePeer } from '@chaosplane/client';
import type { WireProbes } from '../targets/probes.ts';
import type { Cancelled, Executor, Injected } from './executor.ts';
import { nodeOf, type Told, executionsOn } from './told.ts';

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
  /** Where a target went that its daemon does not find any more. */
  readonly whyGone: (target: TargetStatus) => string;
  /** The kubelet's traffic to a pod; undefined when there is none. */
  readonly probesOf: (target: TargetStatus) => WireProbes | undefined;
  /** What goes on between the visits to the experiment. */
  readonly calls: Calls;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** Executions of one node that are cancelled at the same time. */
const PARALLEL_CANCELS = 16;

/** An executor for one experiment. */
export function daemonExecutor(parts: DaemonExecutorParts): Executor {
  const { spec, experimentId, daemons, calls, epoch, clock, logger } = parts;
  /** Where an execution was seen that no target's status knows. */
  const seenOn = new Map<string, string>();
  const limit = (own?: AbortSignal): AbortSignal =>
    AbortSignal.any([parts.signal, AbortSignal.timeout(CALL_MS), ...(own === undefined ? [] : [own])]);
  /** A call to a node: one of each kind is under way at a time. */
  const call = <T>(kind: string, node: string, run: (client: ChaosDaemonClient) => Promise<T>): Call<T> =>
    calls.start(`${kind} ${node}`, { isSilent: () => daemons.isSilent(node), run: () => run(daemons.of(node)) });
  /** What the cache knows of the target at this moment. */
  const known = (target: TargetStatus): { containerId?: string; probes?: WireProbes } => {
    const [containerId, probes] = [parts.containerOf(target), parts.probesOf(target)];
    return { ...defined({ containerId, probes }) };
  };
  const request = (target: TargetStatus, ttlMs: number, dryRun: boolean) => ({
    spec,
    ...known(target),
    experimentId,
    target,
    ttlMs,
    dryRun,
    peers: parts.peers(),
    epoch,
  });

  async function inject(target: TargetStatus, ttlMs: number, signal: AbortSignal): Promise<Injected> {
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
  }

  async function adopt(client: ChaosDaemonClient, target: TargetStatus, ttlMs: number): Promise<Injected> {
    const key = idempotencyKey(experimentId, target.uid);
    const { executions } = await client.listExecutions({ experimentId, includeEnded: true }, { signal: limit() });
    const found = executions.find((execution) => execution.idempotencyKey === key);
    if (found === undefined) return { kind: 'missed', why: 'its node has another execution under the same key' };
    const { executionId, expiresAt } = found;
    return { kind: 'injected', executionId, expiresAt: expiresAt?.getTime() ?? clock.now() + ttlMs };
  }

  const list =
    (asked: readonly TargetStatus[]) =>
    async (client: ChaosDaemonClient): Promise<Told> => {
      const { executions } = await client.listExecutions({ experimentId, includeEnded: true }, { signal: limit() });
      return { asked, executions };
    };

  function ofNode(
    node: string,
    targets: readonly TargetStatus[],
    answer: Answer<Told> | undefined,
  ): [string, ObservedExecution][] {
    if (answer !== undefined && 'value' in answer)
      for (const { executionId } of answer.value.executions) seenOn.set(executionId, node);
    const { nodeExists, whyGone } = parts;
    return executionsOn(node, targets, answer, { nodeExists, whyGone, now: clock.now() });
  }

  /** Renews the lease with this change of the targets' executions; true when every daemon has answered. */
  async function renew(
    kind: 'extend' | 'follow',
    targets: readonly TargetStatus[],
    change: Omit<DeepPartial<ExecutionDeadline>, 'executionId'>,
    failure: string,
  ): Promise<boolean> {
    // What an earlier change still waits for says nothing of this one.
    const before = new Set(calls.underWay(`${kind} `));
    const made = [...Map.groupBy(targets, nodeOf)].map(([node, here]) => {
      const executions = here.map(({ executionId = '' }) => ({ executionId, ...change }));
      const lease = { operatorEpoch: BigInt(epoch), leaseTtl: durationOf(parts.leaseTtlMs) };
      const renewed = call(kind, node, async (client) => {
        try {
          await client.renewLease({ ...lease, executions }, { signal: limit() });
          return true;
        } catch (error) {
          logger.warn({ node, experiment: experimentId, err: error }, failure);
          return false;
        }
      });
      return { renewed, own: !before.has(`${kind} ${node}`) };
    });
    await calls.wait(
      made.map(({ renewed }) => renewed),
      'some',
    );
    return made.every(
      ({ renewed: { answer }, own }) => own && answer !== undefined && 'value' in answer && answer.value,
    );
  }

  async function cancelOn(node: string, client: ChaosDaemonClient, ids: readonly string[]): Promise<boolean> {
    const answers = await pMap(
      ids,
      async (executionId) => {
        try {
          await client.cancelChaos({ executionId }, { signal: limit() });
          return true;
        } catch (error) {
          logger.info({ node, executionId, reason: reasonOf(error) }, 'cancel not done yet');
          return false;
        }
      },
      { concurrency: PARALLEL_CANCELS },
    );
    return answers.every(Boolean);
  }

  return {
    isSilent: (target) => daemons.isSilent(nodeOf(target)),
    inject,
    async rehearse(target) {
      if (daemons.isSilent(nodeOf(target)))
        throw new ChaosError('UNAVAILABLE', `the daemon of ${nodeOf(target)} does not answer`);
      const { plan, message } = await send(daemons.of(nodeOf(target)), request(target, spec.duration, true), limit());
      return plan === undefined ? message : `${plan.steps.length} steps\n${planText(plan.steps)}`;
    },
    async observe(targets, enough) {
      const homes = new Map(targets.map((target) => [target.executionId, nodeOf(target)]));
      const known = Map.groupBy(targets, nodeOf);
      const nodes = new Map([...parts.alsoAsk.map((node): [string, TargetStatus[]] => [node, []]), ...known]);
      // What came after an earlier visit is better than nothing.
      const late = calls.take<Told>('list ');
      const asked = [...nodes].map(([node, here]) => call('list', node, list(here)));
      await calls.wait(asked, enough);
      const told = new Map([...late, ...calls.take<Told>('list ')]);
      const found = [...nodes].flatMap(([node, here]) =>
        // Of what is elsewhere a daemon knows nothing, whatever it says.
        ofNode(node, here, told.get(node)).filter(([id]) => (homes.get(id) ?? node) === node),
      );
      return new Map(found);
    },
    async extend(executionIds, targets, ttlMs) {
      const ids = new Set(executionIds);
      const meant = targets.filter(({ executionId }) => executionId !== undefined && ids.has(executionId));
      // Where it fails, executions keep the deadline that they have; when that is too early, the status will say so.
      await renew('extend', meant, { ttl: durationOf(ttlMs) }, 'deadlines not extended');
    },
    peersNow() {
      const peers = parts.followed();
      return peers === undefined ? undefined : JSON.stringify(peers);
    },
    async follow(targets) {
      const peers = parts.followed() ?? [];
      const meant = targets.filter(({ state, executionId }) => state === 'Injected' && executionId !== undefined);
      return renew('follow', meant, { peers: { peers: [...peers] } }, 'peers not followed');
    },
    async cancel(executionIds, targets): Promise<Cancelled> {
      const homes = new Map(targets.map((target) => [target.executionId, nodeOf(target)]));
      const ofNode = Map.groupBy(executionIds, (id) => homes.get(id) ?? seenOn.get(id));
      const nowhere = ofNode.delete(undefined);
      const before = new Set(calls.underWay('cancel '));
      const asked = [...ofNode].map(([node = '', ids]) => ({
        ended: call('cancel', node, (client) => cancelOn(node, client, ids)),
        own: !before.has(`cancel ${node}`),
      }));
      await calls.wait(
        asked.map(({ ended }) => ended),
        'some',
        // Who was asked before had its time.
        asked.some(({ own }) => own) ? undefined : AGAIN_MS,
      );
      const done = asked.filter(({ ended: { answer } }) => answer !== undefined && 'value' in answer && answer.value);
      if (done.length === asked.length && !nowhere) return 'all';
      return done.length > 0 ? 'some' : 'none';
    },
  };
}

/** How long a visit waits for nodes that an earlier one asked already. Milliseconds. */
const AGAIN_MS = 100;
