/**
 * The TAP devices of one namespace: made, served by the thread of the user-space backends, and fed by a table that dies with the daemon. The way of
 * a packet that the pod sends, and the file that knows each part of it:
 *
 *   application ─► TCP, IP ─► eth0's egress hook ── no layer takes it ──────────────────────────────► qdisc of eth0, wire
 *                                 │    ▲                                 netns/egress-chains.ts
 *          the layer's bit is set │    │ known by its priority, and goes on behind the layer
 *                         fwd to  ▼    │                                 hand-over.ts
 *                        TAP device   packet socket                      device.ts   makes both
 *                              read │    ▲ send
 *                                   ▼    │
 *                        waits until it is due                           served-tap.ts  one device: takes in, lets go, counts
 *                                                                        frame-store.ts the memory; frames.ts wrong bits
 *                        a thread for all namespaces                     queue/worker.ts, which queue/queues.ts starts
 *
 * In the TAP device the packet leaves its socket, which is what all of this is for (ADR 0015). This file and device.ts work on the
 * main thread and own the descriptors; the thread is told of them by queue/protocol.ts.
 */
import { close } from 'node:fs';
import { isDeepStrictEqual, promisify } from 'node:util';
import type { Clock } from '@chaosplane/common';
import type { TapCounts, TapPolicy } from '../../contract/host.ts';
import { listInterfaces } from '../kernel/links.ts';
import type { NetnsHandle } from '../kernel/netns.ts';
import type { Queues } from '../queue/queues.ts';
import { openPacketSocket, openTap } from './device.ts';
import { createHandOver, upIndices, type FedTap } from './hand-over.ts';

/** The TAP devices of a namespace. Its calls must not overlap. */
export interface Taps {
  /** Makes packets wait in these, and in no others. When this throws, nothing has changed. */
  serve(wanted: readonly TapPolicy[], options: { readonly keepHooks: boolean }): Promise<void>;
  /** By name. */
  statistics(): Promise<ReadonlyMap<string, TapCounts>>;
  /** Lets all packets go and removes everything. Idempotent. */
  close(): Promise<void>;
}

/** One device, as this process holds it. */
interface OpenTap extends FedTap {
  readonly tapFd: number;
  readonly outFd: number;
}

/** Off this thread: taking a device away waits for a grace period of the kernel. */
const closeOffThread = promisify(close);

export function openTaps(netns: NetnsHandle, queues: Queues, clock: Clock): Taps {
  let open: ReadonlyMap<string, OpenTap> = new Map();
  const handOver = createHandOver(netns, clock, {
    open: () => open.values(),
    answered: () => queues.tapStatistics(netns.fd),
  });

  const start = async (policy: TapPolicy): Promise<OpenTap> => {
    const tapFd = openTap(netns, policy.name);
    try {
      const links = listInterfaces(netns);
      const indexOf = (name: string): number => links.find((link) => link.name === name)?.index ?? 0;
      const outFd = openPacketSocket(netns, indexOf(policy.device), policy.returnPriority);
      const tap = { policy, tapFd, outFd, index: indexOf(policy.name) };
      try {
        await queues.serveTap({ netnsFd: netns.fd, tapFd, outFd, policy });
        return tap;
      } catch (error) {
        await queues.stopTap(tapFd).catch(() => undefined);
        await closeOffThread(outFd);
        throw error;
      }
    } catch (error) {
      await closeOffThread(tapFd);
      throw error;
    }
  };
  const end = async ({ tapFd, outFd }: OpenTap): Promise<void> => {
    try {
      await queues.stopTap(tapFd);
    } finally {
      await Promise.all([closeOffThread(tapFd), closeOffThread(outFd)]);
    }
  };
  const endAll = async (taps: Iterable<OpenTap>): Promise<void> => {
    const ends = await Promise.allSettled([...taps].map(end));
    for (const ended of ends) if (ended.status === 'rejected') throw ended.reason;
  };
  /** Ends those whose device another program has removed or set down: they are made again. */
  const endLost = async (): Promise<void> => {
    if (open.size === 0) return;
    const up = upIndices(netns);
    const lost = [...open.values()].filter(({ index }) => !up.has(index));
    open = new Map([...open].filter(([, { index }]) => up.has(index)));
    await endAll(lost);
  };
  const serve = async (wanted: readonly TapPolicy[], { keepHooks }: { readonly keepHooks: boolean }): Promise<void> => {
    const started = new Map<string, OpenTap>();
    const next = new Map<string, OpenTap>();
    await endLost();
    try {
      for (const policy of wanted) {
        const there = open.get(policy.name);
        if (there === undefined) started.set(policy.name, await start(policy));
        else if (!isDeepStrictEqual(there.policy, policy))
          await queues.serveTap({ ...there, netnsFd: netns.fd, policy });
        const tap = there === undefined ? started.get(policy.name) : { ...there, policy };
        if (tap !== undefined) next.set(policy.name, tap);
      }
      handOver.put([...next.values()], keepHooks);
    } catch (error) {
      await endAll(started.values());
      throw error;
    }
    const gone = [...open.values()].filter(({ policy }) => !next.has(policy.name));
    open = next;
    handOver.beat();
    await endAll(gone);
    await handOver.closeIfEmpty();
  };
  return {
    serve,
    async statistics() {
      const counts = await queues.tapStatistics(netns.fd);
      const links = new Map(listInterfaces(netns).map(({ name, txDropped }) => [name, txDropped]));
      // What found no room between the kernel and the thread is lost as well.
      return new Map([...counts].map(([name, each]) => [name, { ...each, lost: each.lost + (links.get(name) ?? 0) }]));
    },
    close: () => serve([], { keepHooks: false }),
  };
}
