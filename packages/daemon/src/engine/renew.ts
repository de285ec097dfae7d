/** Renews the operator's lease, moves deadlines and follows peers: in the journal first, then in the kernel, in place. */
import { asChaosError, defined, formatDuration, invalidArgument, type Problem } from '@chaosplane/common';
import type { ExecutionRecord } from '../journal/record.ts';
import type { EngineContext } from './context.ts';
import { DEFAULT_LEASE_MS } from './lease.ts';
import { parsePeersOf, type Peers } from './peers.ts';
import type { RequestPeer } from './request.ts';
import { byTarget, driverOf, withNotes } from './drivers/driver.ts';

/** What an operator asks for. */
export interface LeaseRenewal {
  /** 0: no operator's lease; only the deadlines move. */
  readonly epoch: number;
  /** Milliseconds; absent: the default. */
  readonly leaseTtlMs?: number;
  readonly executions: readonly RenewedExecution[];
}

/** What becomes of one execution. */
export interface RenewedExecution {
  readonly id: string;
  /** Its deadline moves to so many milliseconds from now. Absent: it stays. */
  readonly ttlMs?: number;
  /** These are the peers of its options from now on. Absent: as before. */
  readonly peers?: readonly RequestPeer[];
}

/** A change that was understood. */
interface UnderstoodRenewal {
  readonly ttlMs?: number;
  readonly peers?: Peers;
}

/** What it got. */
export interface RenewedLease {
  /** Asked for, but not active here. */
  readonly unknown: readonly string[];
  /** Milliseconds since the epoch; absent when there is no lease. */
  readonly leaseExpiresAt?: number;
}

/** @throws ChaosError INVALID_ARGUMENT with all problems, PERMISSION_DENIED for an operator that was deposed. */
export async function renewLease(context: EngineContext, renewal: LeaseRenewal): Promise<RenewedLease> {
  const asked = understand(context, renewal);
  const { executions, drivers, lease } = context;
  const renewed = await lease.renew(renewal.epoch, renewal.leaseTtlMs ?? DEFAULT_LEASE_MS);
  const affected = executions
    .live()
    .filter((record) => record.state === 'active')
    .filter((record) => asked.has(record.id) || (renewed !== undefined && record.operatorEpoch !== 0));
  // Each target by itself: one that cannot be reached must not let the faults of all others end.
  const results = await Promise.allSettled(
    byTarget(drivers, affected).map(async (records) => {
      const [first] = records;
      if (first === undefined) return [];
      return driverOf(drivers, first).revisit(first, async (session) => {
        const moved = await journalChanges(context, records, asked);
        const changes = await session.renew(moved);
        for (const record of moved) {
          const change = changes.get(record.id);
          if (change !== undefined) await executions.update(record.id, withNotes(record, change));
        }
        return moved.map((record) => record.id);
      });
    }),
  );
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw asChaosError(failed.reason);
  const active = new Set(results.flatMap((result) => (result.status === 'fulfilled' ? (result.value ?? []) : [])));
  return {
    unknown: [...asked.keys()].filter((id) => !active.has(id)),
    ...(renewed === undefined ? {} : { leaseExpiresAt: renewed.expiresAt }),
  };
}

function understand(
  { config, executions, drivers }: EngineContext,
  renewal: LeaseRenewal,
): Map<string, UnderstoodRenewal> {
  const allowed = `more than 0s, at most ${formatDuration(config.maxTtlMs)}`;
  const wrong = (ttlMs: number): boolean => ttlMs <= 0 || ttlMs > config.maxTtlMs;
  const problems: Problem[] = [];
  const wanted = new Map<string, UnderstoodRenewal>();
  for (const { id, ttlMs, peers } of renewal.executions) {
    const at = `executions[${id}]`;
    if (ttlMs !== undefined && wrong(ttlMs))
      problems.push({ path: `${at}.ttl`, wrong: `${formatDuration(ttlMs)} is out of range`, allowed });
    if (ttlMs === undefined && peers === undefined)
      problems.push({ path: at, wrong: 'nothing is to change', allowed: 'ttl, peers or both' });
    if (peers?.length === 0)
      problems.push({ path: `${at}.peers`, wrong: 'no peers would be every peer', allowed: 'one peer or more' });
    const record = executions.get(id);
    if (peers !== undefined && record !== undefined && driverOf(drivers, record).withPeers === undefined)
      problems.push({ path: `${at}.peers`, wrong: `${record.action} has no peers`, allowed: 'nothing' });
    wanted.set(id, {
      ...defined({ ttlMs }),
      ...(peers === undefined ? {} : { peers: parsePeersOf(peers, problems, at) }),
    });
  }
  if (renewal.leaseTtlMs !== undefined && wrong(renewal.leaseTtlMs)) {
    problems.push({ path: 'lease_ttl', wrong: `${formatDuration(renewal.leaseTtlMs)} is out of range`, allowed });
  }
  if (problems.length > 0) throw invalidArgument('the renewal', problems);
  return wanted;
}

async function journalChanges(
  { executions, drivers, clock }: EngineContext,
  records: readonly ExecutionRecord[],
  asked: ReadonlyMap<string, UnderstoodRenewal>,
): Promise<ExecutionRecord[]> {
  const changed: ExecutionRecord[] = [];
  for (const { id } of records) {
    const current = executions.get(id);
    // It may have ended while this waited for the target's turn.
    if (current?.state !== 'active') continue;
    const { ttlMs, peers } = asked.get(id) ?? {};
    const work = peers === undefined ? undefined : driverOf(drivers, current).withPeers?.(current, peers);
    const change = {
      ...(ttlMs === undefined ? {} : { expiresAt: clock.now() + ttlMs }),
      ...defined({ work }),
    };
    changed.push(Object.keys(change).length === 0 ? current : await executions.update(id, change));
  }
  return changed;
}
