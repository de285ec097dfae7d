/** From where this pod's kubelet may come: its node's address, or that of the bridge which is the pod's gateway. */
import { readFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';

/**
 * Which of the two it is depends on the network plugin, and a pod without rights on its node cannot ask. So these are the addresses
 * whose probes get in first, and not the only ones that are answered.
 */
export function kubeletAddresses(nodeAddress: string | undefined): ReadonlySet<string> {
  const gateways = gatewaysOf(read('/proc/self/net/route'));
  return new Set([...(nodeAddress === undefined ? [] : [nodeAddress]), ...gateways, '127.0.0.1', '::1']);
}

/** The gateways of IPv4 default routes in proc_net(5)'s `route`: hexadecimal, the bytes in the machine's order. */
export function gatewaysOf(table: string): string[] {
  const rows = table.split('\n').slice(1);
  return rows.flatMap((row) => {
    const [, destination, gateway = ''] = row.split('\t');
    if (destination !== '00000000' || !/^[0-9A-F]{8}$/.test(gateway) || gateway === '00000000') return [];
    const address = [...Buffer.from(gateway, 'hex')].toReversed().join('.');
    return isIPv4(address) ? [address] : [];
  });
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
