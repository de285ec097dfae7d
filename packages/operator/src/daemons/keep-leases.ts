/** "I am alive": renews the operator's lease at every daemon, so that what it asked for lives on, and no longer than it does. */
import type { Clock, Logger } from '@chaosplane/common';
import { durationOf } from '@chaosplane/proto';
import pMap from 'p-map';
import type { Daemons } from './daemons.ts';
import { isRefusal, reasonOf } from '@chaosplane/client';
import type { Readiness } from '../readiness.ts';

/** What it works with. */
export interface KeepLeasesParts {
  readonly daemons: Daemons;
  /** Nodes that have a daemon at this moment. */
  readonly nodes: () => Iterable<string>;
  readonly epoch: number;
  readonly leaseTtlMs: number;
  readonly renewMs: number;
  readonly readiness: Readiness;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How long one renewal may take. */
const CALL_MS = 5000;
const PARALLEL_NODES = 64;

/** Nodes that are named in a message. */
const NAMED = 5;

/** Renews everywhere, once. Resolves with what daemons that refuse this operator said, by node. */
async function renewAll(
  { daemons, nodes, epoch, leaseTtlMs, logger }: KeepLeasesParts,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const refused = new Map<string, string>();
  await pMap(
    [...nodes()],
    async (node) => {
      try {
        const limit = AbortSignal.any([signal, AbortSignal.timeout(CALL_MS)]);
        const lease = { operatorEpoch: BigInt(epoch), leaseTtl: durationOf(leaseTtlMs) };
        await daemons.of(node).renewLease(lease, { signal: limit });
      } catch (error) {
        if (signal.aborted) return;
        if (isRefusal(error)) refused.set(node, reasonOf(error));
        else logger.info({ node, reason: reasonOf(error) }, 'lease not renewed');
      }
    },
    { concurrency: PARALLEL_NODES },
  );
  return refused;
}

/** Says it where people look: experiments on such nodes are in vain, and what is in force there ends with its lease. */
function tell({ logger, readiness }: KeepLeasesParts, refused: ReadonlyMap<string, string>, before: string): string {
  const nodes = [...refused.keys()].toSorted();
  const [first = ''] = nodes;
  const reason = refused.get(first);
  const count = nodes.length === 1 ? `the daemon of ${first} refuses` : `${nodes.length} daemons refuse`;
  readiness.set('daemons', nodes.length === 0 ? undefined : `${count} this operator: ${reason}`);
  const now = nodes.join(' ');
  if (now === before) return now;
  if (now === '') logger.info('no daemon refuses this operator any more');
  else logger.error({ nodes: nodes.slice(0, NAMED), count: nodes.length, reason }, 'daemons refuse this operator');
  return now;
}

/**
 * Tells every daemon who leads, then goes on renewing until the signal. Resolves after the first round, because a deposed
 * leader's late calls must find a later epoch before this one does anything.
 */
export async function keepLeases(parts: KeepLeasesParts, signal: AbortSignal): Promise<void> {
  const refused = tell(parts, await renewAll(parts, signal), '');
  void renewFrom(parts, refused, signal);
}

async function renewFrom(parts: KeepLeasesParts, first: string, signal: AbortSignal): Promise<void> {
  for (let refused = first; ;) {
    const passed = await parts.clock.sleep(parts.renewMs, signal).then(
      () => true,
      () => false,
    );
    if (!passed) break;
    refused = tell(parts, await renewAll(parts, signal), refused);
  }
  parts.readiness.set('daemons', undefined);
}
