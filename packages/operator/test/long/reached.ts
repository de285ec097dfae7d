/** Which ports of ChaosPlane's pods are reached from a network namespace. */
import { openNetnsHandle } from '@chaosplane/daemon/netns';
import type { Installation } from '@chaosplane/testcluster/installation';
import { systemPods } from '@chaosplane/testcluster/system-pods';
import { attemptAddress } from '@chaosplane/testkit';

/** All ports, by what they are for. */
export const PORTS = {
  commands: ['daemon', 50_051],
  health: ['daemon', 50_052],
  daemonPages: ['daemon', 8081],
  operatorPages: ['operator', 8081],
  webhook: ['operator', 9443],
} as const;

/** `open` or `closed` in all cases, or each case. */
export type Doors = Readonly<Record<keyof typeof PORTS, string>>;

/** How long a connection that no enforcer refuses may take. */
const LIMIT_MS = 3000;

/** Whether the kernel behind the address answers; that its program then ends the connection does not count. */
export async function isReached(netns: string, address: string, port: number): Promise<boolean> {
  const handle = openNetnsHandle(netns);
  try {
    const { outcome } = await attemptAddress(handle, { address, port }, LIMIT_MS);
    return outcome === 'connected' || outcome === 'ECONNRESET';
  } finally {
    handle.close();
  }
}

/** From each namespace to the ports of each daemon and operator. */
export async function doorsFrom(shop: Installation, from: readonly string[]): Promise<Doors> {
  const pods = { daemon: await systemPods(shop, 'daemon'), operator: await systemPods(shop, 'operator') };
  const told: [string, string][] = [];
  for (const [name, [component, port]] of Object.entries(PORTS)) {
    const cases: [string, boolean][] = [];
    for (const netns of from)
      for (const { metadata, status } of pods[component])
        cases.push([`${netns} to ${metadata.name}`, await isReached(netns, status.podIP, port)]);
    const every = cases.every(([, is]) => is) ? 'open' : undefined;
    const none = cases.some(([, is]) => is) ? undefined : 'closed';
    told.push([name, every ?? none ?? JSON.stringify(cases)]);
  }
  return Object.fromEntries(told) as Doors;
}
