/** The operator's lease: while it lasts, what that operator asked for may live; a deposed operator is not listened to. */
import { ChaosError, Mutex, type Clock } from '@chaosplane/common';
import type { Journal, LeaseRecord } from '../journal/journal.ts';
import type { ExecutionRecord } from '../journal/record.ts';

/** How long a lease lasts whose length the operator does not give. */
export const DEFAULT_LEASE_MS = 120_000;

/** The one lease of this daemon. */
export class Lease {
  readonly #journal: Journal;
  readonly #clock: Clock;
  /** Of two operators that come at the same time, the later epoch wins, in either order of writing. */
  readonly #turn = new Mutex();
  #current: LeaseRecord | undefined;

  constructor(journal: Journal, clock: Clock, current: LeaseRecord | undefined) {
    this.#journal = journal;
    this.#clock = clock;
    this.#current = current;
  }

  /**
   * Renews the lease to `ttlMs` from now. An epoch of 0 belongs to no operator, and renews nothing.
   * @throws ChaosError PERMISSION_DENIED for an epoch that another operator has outlived.
   */
  async renew(epoch: number, ttlMs: number): Promise<LeaseRecord | undefined> {
    return this.#turn.run(() => this.#write(epoch, ttlMs));
  }

  async #write(epoch: number, ttlMs: number): Promise<LeaseRecord | undefined> {
    this.require(epoch);
    if (epoch === 0) return undefined;
    const lease = { epoch, expiresAt: this.#clock.now() + ttlMs };
    await this.#journal.writeLease(lease);
    this.#current = lease;
    return lease;
  }

  /** Begins a lease when a request comes with an epoch that has none yet. */
  async begin(epoch: number): Promise<void> {
    await this.#turn.run(async () => {
      this.require(epoch);
      const known = this.#current;
      if (epoch === 0 || (known?.epoch === epoch && known.expiresAt > this.#clock.now())) return;
      await this.#write(epoch, DEFAULT_LEASE_MS);
    });
  }

  /**
   * A lease that has lapsed shuts no operator out: an operator that was installed again counts its epochs from the start.
   * @throws ChaosError PERMISSION_DENIED for an epoch lower than the one that leads.
   */
  require(epoch: number): void {
    const leading = this.#current !== undefined && this.#current.expiresAt > this.#clock.now();
    const known = leading ? (this.#current?.epoch ?? 0) : 0;
    if (epoch === 0 || epoch >= known) return;
    const message = `epoch ${epoch} is over: the operator of epoch ${known} leads now`;
    throw new ChaosError('PERMISSION_DENIED', `${message}; a deposed operator must stop`);
  }

  /** When the node ends the execution: at its TTL, or when the lease that it lives under lapses. */
  deadlineOf(record: Pick<ExecutionRecord, 'expiresAt' | 'operatorEpoch'>): number {
    if (record.operatorEpoch === 0) return record.expiresAt;
    return Math.min(record.expiresAt, this.#current?.expiresAt ?? 0);
  }
}
