/** Which connections of the kubelet's a fault leaves alone: to the ports that a request tells, from this node. */
import { formatCidr, parseCidr, type Cidr } from '@chaosplane/common';
import type { Host, SandboxDetail } from '../contract/host.ts';
import type { Spared } from '../model/layer.ts';

/**
 * The probes of a request, with the addresses that the pod sees when its own node connects to it. Who asks knows the node by the
 * addresses that the cluster has for it; with most CNI plugins the pod sees another one, which only the node's routes tell.
 */
export function sparedIn(
  host: Pick<Host, 'sourcesTowards'>,
  probes: Spared | undefined,
  sandbox: Pick<SandboxDetail, 'ips'> | undefined,
): { readonly probes?: Spared } {
  if (probes === undefined) return {};
  const found = probes.ports.length === 0 ? [] : host.sourcesTowards(sandbox?.ips ?? []);
  const sources = found.flatMap((text): Cidr[] => {
    const parsed = parseCidr(text);
    return parsed.ok ? [parsed.value] : [];
  });
  const all = new Map([...probes.addresses, ...sources].map((address) => [formatCidr(address), address]));
  return { probes: { ...probes, addresses: [...all.values()] } };
}
