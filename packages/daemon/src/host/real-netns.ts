/** One network namespace of this node, for real: what the rest of the daemon may do to it. */
import type { Netns } from './host.ts';
import { addIfb, removeLink } from './ifb.ts';
import { foreignRedirects } from '../proxy/foreign-nat.ts';
import { HOLD_TABLE } from '../proxy/names.ts';
import { listInterfaces, setQueueLength } from './links.ts';
import type { NetnsHandle } from './netns.ts';
import { openNft } from './nft.ts';
import type { ProxyEngine } from './proxy/engine.ts';
import { legacyRedirects } from './proxy/legacy-nat.ts';
import { removePolicyRoute } from './proxy/policy-route.ts';
import type { QueueEngine } from './queue/engine.ts';
import { createQueueTable } from './queue-table.ts';
import { listQdiscs } from './qdiscs.ts';
import { tcBatch } from './tc.ts';

/** Takes over `handle`: closing the result closes it. */
export function realNetns(handle: NetnsHandle, engine: QueueEngine, proxies: ProxyEngine): Netns {
  const nft = openNft(handle);
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    try {
      await engine.stop(handle.fd);
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
    serveQueue: (queue, policy) => engine.serve(handle.fd, queue, policy),
    stopQueue: () => engine.stop(handle.fd),
    queueStatistics: () => engine.statistics(handle.fd),
    serveProxies: (rules) => proxies.serve(handle, rules),
    proxyCounts: (id) => proxies.counts(handle.cookie, id),
    proxiedNow: () => proxies.open(handle.cookie),
    endProxies: () => proxies.release(handle.cookie),
    removeProxyTraces() {
      const held = nft.run(['list tables']).split('\n').includes(`table inet ${HOLD_TABLE}`);
      if (held) nft.run([`delete table inet ${HOLD_TABLE}`]);
      return removePolicyRoute(handle) || held;
    },
    foreignRedirects: (protocol, port) => [
      ...foreignRedirects(nft.run(['list ruleset']), protocol, port).map(
        ({ table, rule }) => `table ${table}: ${rule}`,
      ),
      ...legacyRedirects(handle).map((target) => `iptables-legacy: ${target}`),
    ],
    close: () => (closing ??= close()),
  };
}
