/** Renews the operator's lease and moves deadlines: in the journal first, then in the kernel, in place. */
import { asChaosError, formatDuration, invalidArgument, type Problem } from '@chaosplane/common';
import type { ExecutionRecord } from '../journal/record.ts';
import type { EngineContext } from './context.ts';
import { DEFAULT_LEASE_MS } from './lease.ts';
import { bySite, shapeOf } from './shapes/shape.ts';

/** What an operator asks for. */
export interface LeaseRenewal {
  /** 0: nobody's lease; only the deadlines move. */
  readonly epoch: number;
  /** Milliseconds; absent: the default. */
  readonly leaseTtlMs?: number;
  /** Executions whose deadline moves to `ttlMs` from now. */
  readonly executions: readonly { readonly id: string; readonly ttlMs: number }[];
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
  requireValid(context, renewal);
  const { executions, shapes, lease } = context;
  const renewed = await lease.renew(renewal.epoch, renewal.leaseTtlMs ?? DEFAULT_LEASE_MS);
  const asked = new Map(renewal.executions.map(({ id, ttlMs }) => [id, ttlMs]));
  const affected = executions
    .live()
    .filter((record) => record.state === 'active')
    .filter((record) => asked.has(record.id) || (renewed !== undefined && record.operatorEpoch !== 0));
  // Each target by itself: one that cannot be reached must not let the faults of all others end.
  const results = await Promise.allSettled(
    bySite(shapes, affected).map(async (records) => {
      const [first] = records;
      if (first === undefined) return [];
      return shapeOf(shapes, first).revisit(first, async (site) => {
        const moved = await moveDeadlines(context, records, asked);
        for (const [id, change] of await site.renew(moved)) await executions.update(id, change);
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

function requireValid({ config }: EngineContext, renewal: LeaseRenewal): void {
  const allowed = `more than 0s, at most ${formatDuration(config.maxTtlMs)}`;
  const wrong = (ttlMs: number): boolean => ttlMs <= 0 || ttlMs > config.maxTtlMs;
  const problems: Problem[] = renewal.executions
    .filter(({ ttlMs }) => wrong(ttlMs))
    .map(({ id, ttlMs }) => ({
      path: `executions[${id}].ttl`,
      wrong: `${formatDuration(ttlMs)} is out of range`,
      allowed,
    }));
  if (renewal.leaseTtlMs !== undefined && wrong(renewal.leaseTtlMs)) {
    problems.push({ path: 'lease_ttl', wrong: `${formatDuration(renewal.leaseTtlMs)} is out of range`, allowed });
  }
  if (problems.length > 0) throw invalidArgument('the renewal', problems);
}

async function moveDeadlines(
  { executions, clock }: EngineContext,
  records: readonly ExecutionRecord[],
  asked: ReadonlyMap<string, number>,
): Promise<ExecutionRecord[]> {
  const moved: ExecutionRecord[] = [];
  for (const { id } of records) {
    const current = executions.get(id);
    // It may have ended while this waited for the target's turn.
    if (current?.state !== 'active') continue;
    const ttlMs = asked.get(id);
    moved.push(ttlMs === undefined ? current : await executions.update(id, { expiresAt: clock.now() + ttlMs }));
  }
  return moved;
}
