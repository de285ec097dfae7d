/** Changes executions that are in force, by renewals of the lease: their deadlines, and their peers. */
import type { TargetStatus } from '@chaosplane/api';
import type { WirePeer } from '@chaosplane/client';
import type { Logger } from '@chaosplane/common';
import type { Deadlines, Peers } from '@chaosplane/lifecycle';
import { durationOf, type DeepPartial, type ExecutionDeadline } from '@chaosplane/proto';
import type { Reach, ReachParts } from './reach.ts';
import { nodeOf } from './node-executions.ts';

/** What the lease is renewed with. */
export interface RenewParts extends Pick<ReachParts, 'calls'> {
  readonly experimentId: string;
  readonly epoch: number;
  readonly leaseTtlMs: number;
  readonly logger: Logger;
}

/** Deadlines that the daemons keep. */
export function deadlines(parts: RenewParts, reach: Reach): Deadlines {
  return {
    async extend(executionIds, targets, ttlMs) {
      const ids = new Set(executionIds);
      const meant = targets.filter(({ executionId }) => executionId !== undefined && ids.has(executionId));
      // Where it fails, executions keep the deadline that they have; when that is too early, the status will say so.
      await renew(
        parts,
        reach,
        { kind: 'extend', change: { ttl: durationOf(ttlMs) }, failure: 'deadlines not extended' },
        meant,
      );
    },
  };
}

/** Peers that change; `followed` tells them at this moment. */
export function movingPeers(followed: () => readonly WirePeer[], parts: RenewParts, reach: Reach): Peers {
  return {
    current: () => JSON.stringify(followed()),
    async follow(targets) {
      const meant = targets.filter(({ state, executionId }) => state === 'Injected' && executionId !== undefined);
      const change = { peers: { peers: [...followed()] } };
      return renew(parts, reach, { kind: 'follow', change, failure: 'peers not followed' }, meant);
    },
  };
}

/** One change of executions. */
interface Renewal {
  readonly kind: 'extend' | 'follow';
  readonly change: Omit<DeepPartial<ExecutionDeadline>, 'executionId'>;
  /** What is logged where it fails. */
  readonly failure: string;
}

/** Renews the lease with this change of the targets' executions; true when every daemon has answered. */
async function renew(
  { experimentId, epoch, leaseTtlMs, calls, logger }: RenewParts,
  { limit, call }: Reach,
  { kind, change, failure }: Renewal,
  targets: readonly TargetStatus[],
): Promise<boolean> {
  // What an earlier change still waits for says nothing of this one.
  const before = new Set(calls.underWay(`${kind} `));
  const made = [...Map.groupBy(targets, nodeOf)].map(([node, here]) => {
    const executions = here.map(({ executionId = '' }) => ({ executionId, ...change }));
    const lease = { operatorEpoch: BigInt(epoch), leaseTtl: durationOf(leaseTtlMs) };
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
  return made.every(({ renewed: { answer }, own }) => own && answer !== undefined && 'value' in answer && answer.value);
}
