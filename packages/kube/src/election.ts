/** Leader election by a Lease, as client-go does it, so that both can stand for the same one. */
import { asChaosError, ChaosError, invalidArgument, type Clock, type Logger, type Problem } from '@chaosplane/common';
import type { KubeClient } from './client.ts';
import { isConflict, isNotFound } from './errors.ts';
import { leaseStore, type AcquiredTerm, type LeaseStore } from './lease.ts';
import { linkedAbort } from './linked-abort.ts';

export interface ElectionOptions {
  readonly namespace: string;
  readonly name: string;
  /** The candidate's name; no other candidate may have it at the same time. */
  readonly identity: string;
  /** How long others wait for a sign of life before they take over. Default 15000. */
  readonly leaseDurationMs?: number;
  /** How long the leader tries to renew before it gives up. Default 12000. */
  readonly renewDeadlineMs?: number;
  /** Between two tries. Default 2000. */
  readonly retryMs?: number;
}

export interface Leadership {
  /**
   * Which term this is, so that what an earlier leader still says can be told apart: when it began, in milliseconds since
   * 1970, and always later than the one before, also than one of a lease that was deleted since (as far as the clocks of
   * the two leaders agree).
   */
  readonly epoch: number;
  /** Aborts when leadership is lost: taken by another, or not renewed in time. Not when it is released. */
  readonly lost: AbortSignal;
  /** Gives the lease back, so that another need not wait. Idempotent; a lease that cannot be written is left to run out. */
  release(): Promise<void>;
}

interface Parts {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
}

type Timing = Required<Pick<ElectionOptions, 'leaseDurationMs' | 'renewDeadlineMs' | 'retryMs'>>;

/** How long a release may take: a lease that is not given back in that time runs out by itself. Milliseconds. */
export const RELEASE_MS = 5_000;

/** As in client-go: no two candidates try at the same time. */
const JITTER = 0.2;

/**
 * Stands for election; resolves when elected. From then on the lease is renewed until it is lost or released; the
 * signal ends only the wait before.
 * @throws ChaosError INVALID_ARGUMENT for times that cannot work; the signal's reason when it aborts.
 */
export async function electLeader(options: ElectionOptions, parts: Parts, signal: AbortSignal): Promise<Leadership> {
  const { leaseDurationMs = 15_000, renewDeadlineMs = 12_000, retryMs = 2_000 } = options;
  const timing: Timing = { leaseDurationMs, renewDeadlineMs, retryMs };
  check(timing);
  const { clock, logger } = parts;
  const store = leaseStore({ ...options, leaseDurationMs }, parts);
  const log = { lease: `${options.namespace}/${options.name}`, identity: options.identity };
  let failing = false;
  for (;;) {
    signal.throwIfAborted();
    try {
      const acquired = await store.tryAcquire(signal);
      failing = false;
      if (acquired !== undefined) {
        logger.info({ ...log, epoch: acquired.term.epoch }, 'leader elected');
        return lead(store, acquired, timing, parts, log);
      }
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      // Once per failure, not once per try.
      if (!failing && !isConflict(error)) logger.warn({ ...log, err: error }, 'election cannot reach its lease');
      failing = !isConflict(error);
    }
    await clock.sleep(retryMs * (1 + JITTER * clock.random()), signal);
  }
}

function lead(
  store: LeaseStore,
  { term, sentAt: acquiredAt }: AcquiredTerm,
  { renewDeadlineMs, retryMs }: Timing,
  { clock, logger }: Parts,
  log: object,
): Leadership {
  const lost = new AbortController();
  const stop = new AbortController();
  /** When the last renewal that succeeded was sent: others count from when they see it, which is later. */
  let renewedAt = acquiredAt;
  /** When the last renewal was sent: an API server that is slow to answer is asked again as soon as it has. */
  let sentAt = acquiredAt;

  /** Whether the lease is still ours. Throws when that cannot be known. */
  const renew = async (left: number): Promise<boolean> => {
    using life = linkedAbort(stop.signal);
    const timer = clock.after(left, () =>
      life.abort(new ChaosError('DEADLINE_EXCEEDED', 'the lease was not renewed in time')),
    );
    sentAt = clock.monotonic();
    try {
      const held = await store.renew(term, life.signal);
      if (held) renewedAt = sentAt;
      return held;
    } finally {
      timer.cancel();
    }
  };

  const keep = async (): Promise<void> => {
    for (;;) {
      const next = Math.min(sentAt + retryMs, renewedAt + renewDeadlineMs);
      await clock.sleep(Math.max(0, next - clock.monotonic()), stop.signal);
      let why: unknown = new ChaosError('ABORTED', 'another took the lease');
      const left = renewedAt + renewDeadlineMs - clock.monotonic();
      try {
        if (left <= 0) throw new ChaosError('DEADLINE_EXCEEDED', 'the lease was not renewed in time');
        if (await renew(left)) continue;
      } catch (error) {
        if (stop.signal.aborted) return;
        if (renewedAt + renewDeadlineMs > clock.monotonic()) {
          logger.debug({ ...log, err: error }, 'lease not renewed, tries again');
          continue;
        }
        why = error;
      }
      const reason = new ChaosError('ABORTED', `leadership is lost: ${asChaosError(why).message}`, { cause: why });
      logger.error({ ...log, epoch: term.epoch, err: reason }, 'leadership lost');
      lost.abort(reason);
      return;
    }
  };
  // The sleep rejects when the term is released.
  const kept = keep().catch(() => undefined);

  let released: Promise<void> | undefined;
  const release = async (): Promise<void> => {
    stop.abort(new ChaosError('ABORTED', 'the lease is released'));
    await kept;
    if (lost.signal.aborted) return;
    const late = new AbortController();
    const timer = clock.after(RELEASE_MS, () =>
      late.abort(new ChaosError('DEADLINE_EXCEEDED', `the lease was not released within ${RELEASE_MS} ms`)),
    );
    try {
      await store.release(term, late.signal);
      logger.info({ ...log, epoch: term.epoch }, 'leadership released');
    } catch (error) {
      if (isConflict(error) || isNotFound(error)) return;
      logger.warn({ ...log, err: error }, 'lease not released, it runs out by itself');
    } finally {
      timer.cancel();
    }
  };
  return { epoch: term.epoch, lost: lost.signal, release: () => (released ??= release()) };
}

function check({ leaseDurationMs, renewDeadlineMs, retryMs }: Timing): void {
  const problems: Problem[] = [];
  const wrong = (path: string, value: number, allowed: string): void => {
    problems.push({ path, wrong: `${value} ms`, allowed });
  };
  if (leaseDurationMs < 1000) wrong('leaseDurationMs', leaseDurationMs, 'at least 1000: a Lease counts whole seconds');
  if (renewDeadlineMs >= leaseDurationMs) wrong('renewDeadlineMs', renewDeadlineMs, 'less than leaseDurationMs');
  if (retryMs <= 0 || retryMs * (1 + JITTER) >= renewDeadlineMs)
    wrong('retryMs', retryMs, 'well below renewDeadlineMs');
  if (problems.length > 0) throw invalidArgument('leader election', problems);
}
