/** One network namespace of this node, for real: what the rest of the daemon may do to it. */
import { systemClock } from '@chaosplane/common';
import type { Netns } from '../contract/host.ts';
import { addIfb, removeLink } from './kernel/ifb.ts';
import { HOLD_TABLE } from '../proxy/names.ts';
import { listInterfaces, setQueueLength } from './kernel/links.ts';
import type { NetnsHandle } from './kernel/netns.ts';
import { openNft } from './kernel/nft.ts';
import type { Proxies } from './proxies/proxies.ts';
import { foreignRedirect } from './proxies/foreign.ts';
import { openConnections } from './proxies/open-connections.ts';
import { removePolicyRoute } from './proxies/policy-route.ts';
import type { Queues } from './queue/queues.ts';
import { openTaps } from './tap/taps.ts';
import { createQueueTable } from './queue/queue-table.ts';
import { listQdiscs } from './kernel/qdiscs.ts';
import { waitingConnections } from './kernel/sock-diag.ts';
import { tcBatch } from './kernel/tc.ts';

/** Takes over `handle`: closing the result closes it. */
export function realNetns(handle: NetnsHandle, queues: Queues, proxies: Proxies): Netns {
  const nft = openNft(handle);
  const taps = openTaps(handle, queues, systemClock);
  let closing: Promise<void> | undefined;
  /** Others may have this namespace open as well, and only who serves the queue knows that it ends. */
  let queued = false;
  const stopQueue = async (): Promise<void> => {
    await queues.stop(handle.fd);
    if (!queued) return;
    queued = false;
    // Hooks of proxies that have ended stayed for what waited. That they cannot go now is no business of the queue.
    await proxies.keepHooks(handle.cookie, false).catch(() => undefined);
  };
  const close = async (): Promise<void> => {
    try {
      // First the queue: taking away the hook of the TAP devices would make the kernel drop what waits there.
      try {
        await stopQueue();
      } finally {
        await taps.close();
      }
    } finally {
      await nft.close();
      handle.close();
    }
  };
  return {
    path: handle.path,
    cookie: handle.cookie,
    nft: (commands) => nft.run(commands),
    tc: (commands) => tcBatch(handle, commands),
    qdiscs: async () => listQdiscs(handle),
    interfaces: () => listInterfaces(handle),
    waitingConnections: () => waitingConnections(handle),
    setTxQueueLength: (device, packets) => {
      setQueueLength(handle, device, packets);
    },
    addIfb: (name) => {
      addIfb(handle, name);
    },
    removeLink: (name) => removeLink(handle, name),
    addQueueTable: (table, mask, queue) => {
      createQueueTable(handle, nft, { table, mask, queue });
    },
    serveQueue: async (queue, policy) => {
      queued = true;
      await proxies.keepHooks(handle.cookie, true);
      await queues.serve(handle.fd, queue, policy);
    },
    stopQueue,
    queueStatistics: () => queues.statistics(handle.fd),
    serveTaps: (wanted, options) => taps.serve(wanted, options),
    tapStatistics: () => taps.statistics(),
    serveProxies: (rules) => proxies.serve(handle, rules),
    proxyCounts: (id) => proxies.counts(handle.cookie, id),
    openConnections: (rule) => openConnections(handle, rule),
    proxiedNow: () => proxies.open(handle.cookie),
    endProxies: () => proxies.release(handle.cookie),
    removeProxyTraces() {
      if (proxies.hasHooksKept(handle.cookie)) return false;
      const held = nft.run(['list tables']).split('\n').includes(`table inet ${HOLD_TABLE}`);
      if (held) nft.run([`delete table inet ${HOLD_TABLE}`]);
      return removePolicyRoute(handle) || held;
    },
    foreignRedirect: (rule) => foreignRedirect(handle, nft, rule),
    close: () => (closing ??= close()),
  };
}
