/** "I am alive": renews the operator's lease at every daemon, so that what it asked for lives on, and no longer than it does. */
import type { Clock, Logger } from '@chaosplane/common';
import { durationOf } from '@chaosplane/proto';
import pMap from 'p-map';
import type { Daemons } from '../daemons/daemons.ts';
import { reasonOf } from '../daemons/requests.ts';

/** What it works with. */
export interface KeepLeasesParts {
  readonly daemons: Daemons;
  /** Nodes that have a daemon at this moment. */
  readonly nodes: () => Iterable<string>;
  readonly epoch: number;
  readonly leaseTtlMs: number;
  readonly renewMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How long one renewal may take. */
const CALL_MS = 5000;
const PARALLEL_NODES = 64;

/** Renews everywhere, once. Resolves with the nodes that could not be reached. */
async function renewAll(
  { daemons, nodes, epoch, leaseTtlMs, logger }: KeepLeasesParts,
  signal: AbortSignal,
): Promise<string[]> {
  const missed: string[] = [];
  await pMap(
    [...nodes()],
    async (node) => {
      try {
        const limit = AbortSignal.any([signal, AbortSignal.timeout(CALL_MS)]);
        const lease = { operatorEpoch: BigInt(epoch), leaseTtl: durationOf(leaseTtlMs) };
        await daemons.of(node).renewLease(lease, { signal: limit });
      } catch (error) {
        missed.push(node);
        if (!signal.aborted) logger.info({ node, reason: reasonOf(error) }, 'lease not renewed');
      }
    },
    { concurrency: PARALLEL_NODES },
  );
  return missed;
}

/**
 * Tells every daemon who leads, then goes on renewing until the signal. Resolves after the first round, because a deposed
 * leader's late calls must find a later epoch before this one does anything.
 */
export async function keepLeases(parts: KeepLeasesParts, signal: AbortSignal): Promise<void> {
  await renewAll(parts, signal);
  void renewFrom(parts, signal);
}

async function renewFrom(parts: KeepLeasesParts, signal: AbortSignal): Promise<void> {
  for (;;) {
    const passed = await parts.clock.sleep(parts.renewMs, signal).then(
      () => true,
      () => false,
    );
    if (!passed) return;
    await renewAll(parts, signal);
  }
}
