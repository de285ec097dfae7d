/** One Lease as candidates see it: who holds it, since when the candidate knows, and how another takes it. */
import type { Clock } from '@chaosplane/common';
import type { KubeClient } from './client.ts';
import { isConflict, isNotFound } from './errors.ts';
import { leases, type Lease } from './kinds.ts';
import { microTime } from './micro-time.ts';

type Spec = NonNullable<Lease['spec']>;

/** A holder's time in office. */
export interface Term {
  /** When the lease was acquired, in milliseconds since 1970, and always later than that of the holder before. */
  readonly epoch: number;
  /** How often the lease has passed to another holder. */
  readonly transitions: number;
}

/** A term that has begun. */
export interface AcquiredTerm {
  readonly term: Term;
  /** When the write was sent, on the monotonic clock: other candidates count from when they see it, which is later. */
  readonly sentAt: number;
}

export interface LeaseStore {
  /** Takes the lease if it is free or has run out; undefined when another holds it. Throws a KubeError. */
  tryAcquire(signal: AbortSignal): Promise<AcquiredTerm | undefined>;
  /** Whether the lease is still ours, and renewed. Throws a KubeError when that cannot be known. */
  renew(term: Term, signal: AbortSignal): Promise<boolean>;
  /** Empties the holder. Throws a KubeError. */
  release(term: Term, signal: AbortSignal): Promise<void>;
}

interface Options {
  readonly namespace: string;
  readonly name: string;
  readonly identity: string;
  readonly leaseDurationMs: number;
}

/** Observes and writes the lease for one candidate. */
export function leaseStore(
  { namespace, name, identity, leaseDurationMs }: Options,
  { client, clock }: { readonly client: KubeClient; readonly clock: Clock },
): LeaseStore {
  const metadata = { namespace, name };
  const leaseDurationSeconds = Math.ceil(leaseDurationMs / 1000);
  let known: Lease | undefined;
  let knownSince = 0;

  /** A change counts from when it is seen, by our own clock: that of the holder may be wrong by hours. */
  const observe = (lease: Lease): void => {
    const changed = known === undefined || JSON.stringify(known.spec) !== JSON.stringify(lease.spec);
    if (changed) knownSince = clock.monotonic();
    known = lease;
  };

  const specOf = ({ epoch, transitions }: Term): Spec => ({
    holderIdentity: identity,
    leaseDurationSeconds,
    acquireTime: microTime(epoch),
    renewTime: microTime(clock.now()),
    leaseTransitions: transitions,
  });

  const create = async (term: Term, signal: AbortSignal): Promise<void> =>
    observe(await client.create(leases, { metadata, spec: specOf(term) }, { signal }));

  const write = async (over: Lease, spec: Spec, signal?: AbortSignal): Promise<void> =>
    observe(await client.replace(leases, { ...over, spec }, { signal }));

  const isOurs = ({ spec }: Lease, { epoch }: Term): boolean =>
    spec?.holderIdentity === identity && timeOf(spec.acquireTime ?? '') === epoch;

  return {
    async tryAcquire(signal) {
      const lease = await client.get(leases, metadata, { signal });
      if (lease === undefined) {
        // A user deleted the lease: a candidate that waited for its holder knows when that term began.
        const term = termAfter(known, clock.now());
        const sentAt = clock.monotonic();
        await create(term, signal);
        return { term, sentAt };
      }
      observe(lease);
      const { holderIdentity = '', leaseDurationSeconds: seconds = 0 } = lease.spec ?? {};
      const valid = clock.monotonic() < knownSince + seconds * 1000;
      if (holderIdentity !== '' && holderIdentity !== identity && valid) return undefined;
      // Also a new term when it was ours in an earlier life of this process: that one may still have calls under way.
      const term = termAfter(lease, clock.now());
      const sentAt = clock.monotonic();
      await write(lease, specOf(term), signal);
      return { term, sentAt };
    },

    async renew(term, signal) {
      try {
        // The holder alone writes the lease, so what it knows of it is nearly always what there is.
        if (known !== undefined) await write(known, specOf(term), signal);
        return true;
      } catch (error) {
        if (!isConflict(error) && !isNotFound(error)) throw error;
      }
      const lease = await client.get(leases, metadata, { signal });
      if (lease === undefined) {
        // A user deleted the lease. The holder makes it again in the same term.
        await create(term, signal);
        return true;
      }
      observe(lease);
      if (!isOurs(lease, term)) return false;
      await write(lease, specOf(term), signal);
      return true;
    },

    async release(term, signal) {
      const spec = releasedSpec(term, clock.now());
      try {
        if (known !== undefined && isOurs(known, term)) await write(known, spec, signal);
        return;
      } catch (error) {
        if (!isConflict(error)) throw error;
      }
      // A renewal that was under way arrived after all.
      const lease = await client.get(leases, metadata, { signal });
      if (lease !== undefined && isOurs(lease, term)) await write(lease, spec, signal);
    },
  };
}

/**
 * A lease that is made again counts its transitions from zero, and what is asked for under it must not look older than what
 * was asked for under the one before: so terms are told apart by the time at which they began.
 */
function termAfter(before: Lease | undefined, now: number): Term {
  const { acquireTime = '', leaseTransitions = 0 } = before?.spec ?? {};
  const transitions = before === undefined ? 0 : leaseTransitions + 1;
  return { epoch: Math.max(Math.floor(now), timeOf(acquireTime) + 1), transitions };
}

/** What a lease says that its holder gave up. */
function releasedSpec({ epoch, transitions }: Term, now: number): Spec {
  return {
    holderIdentity: '',
    leaseDurationSeconds: 1,
    acquireTime: microTime(Math.max(now, epoch)),
    renewTime: microTime(now),
    leaseTransitions: transitions,
  };
}

/** Milliseconds since 1970; 0 for what is no time. */
function timeOf(microTime: string): number {
  const ms = Date.parse(microTime);
  return Number.isNaN(ms) ? 0 : ms;
}
