/** One Lease as candidates see it: who holds it, since when we know, and how it changes hands. */
import type { Clock } from '@chaosplane/common';
import type { KubeClient } from './client.ts';
import { isConflict, isNotFound } from './errors.ts';
import { leases, type Lease } from './kinds.ts';
import { microTime } from './micro-time.ts';

type Spec = NonNullable<Lease['spec']>;

/** A holder's time in office. */
export interface Term {
  /** leaseTransitions + 1. */
  readonly epoch: number;
  readonly acquireTime: string;
}

export interface LeaseStore {
  /** Takes the lease if it is free or has run out; undefined when another holds it. Throws a KubeError. */
  tryAcquire(signal: AbortSignal): Promise<Term | undefined>;
  /** Whether the lease is still ours, and renewed. Throws a KubeError when that cannot be known. */
  renew(term: Term, signal: AbortSignal): Promise<boolean>;
  /** Empties the holder. Throws a KubeError. */
  release(term: Term): Promise<void>;
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

  const specOf = ({ epoch, acquireTime }: Term): Spec => ({
    holderIdentity: identity,
    leaseDurationSeconds,
    acquireTime,
    renewTime: microTime(clock.now()),
    leaseTransitions: epoch - 1,
  });

  const create = async (term: Term, signal: AbortSignal): Promise<void> =>
    observe(await client.create(leases, { metadata, spec: specOf(term) }, { signal }));

  const write = async (over: Lease, spec: Spec, signal?: AbortSignal): Promise<void> =>
    observe(await client.replace(leases, { ...over, spec }, { signal }));

  const isOurs = ({ spec }: Lease, { epoch }: Term): boolean =>
    spec?.holderIdentity === identity && (spec.leaseTransitions ?? 0) === epoch - 1;

  return {
    async tryAcquire(signal) {
      const lease = await client.get(leases, metadata, { signal });
      const acquireTime = microTime(clock.now());
      if (lease === undefined) {
        // Somebody deleted it: who has waited behind another goes on from that one's count, or epochs would begin anew.
        const term: Term = { epoch: known === undefined ? 1 : (known.spec?.leaseTransitions ?? 0) + 2, acquireTime };
        await create(term, signal);
        return term;
      }
      observe(lease);
      const { holderIdentity = '', leaseDurationSeconds: seconds = 0, leaseTransitions = 0 } = lease.spec ?? {};
      const valid = clock.monotonic() < knownSince + seconds * 1000;
      if (holderIdentity !== '' && holderIdentity !== identity && valid) return undefined;
      // Also a new term when it was ours in an earlier life of this process: that one may still have calls under way.
      const term: Term = { epoch: leaseTransitions + 2, acquireTime };
      await write(lease, specOf(term), signal);
      return term;
    },

    async renew(term, signal) {
      try {
        // Nobody else writes while it is ours, so what we know of it is nearly always what there is.
        if (known !== undefined) await write(known, specOf(term), signal);
        return true;
      } catch (error) {
        if (!isConflict(error) && !isNotFound(error)) throw error;
      }
      const lease = await client.get(leases, metadata, { signal });
      if (lease === undefined) {
        // Somebody deleted it. Made again with the count of our term, or epochs would begin anew.
        await create(term, signal);
        return true;
      }
      observe(lease);
      if (!isOurs(lease, term)) return false;
      await write(lease, specOf(term), signal);
      return true;
    },

    async release(term) {
      const now = microTime(clock.now());
      const spec = {
        holderIdentity: '',
        leaseDurationSeconds: 1,
        acquireTime: now,
        renewTime: now,
        leaseTransitions: term.epoch - 1,
      };
      try {
        if (known !== undefined && isOurs(known, term)) await write(known, spec);
        return;
      } catch (error) {
        if (!isConflict(error)) throw error;
      }
      // A renewal that was under way arrived after all.
      const lease = await client.get(leases, metadata);
      if (lease !== undefined && isOurs(lease, term)) await write(lease, spec);
    },
  };
}
