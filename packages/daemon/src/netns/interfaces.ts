/** Which interfaces of a pod a fault is about. Pure. */
import { ChaosError, INTERFACE_NAME } from '@chaosplane/common';
import type { NetworkInterface } from '../contract/host.ts';
import type { Carried } from './device-facts.ts';
import { isOurDevice } from './names.ts';

/**
 * The interfaces that are meant by these names; without any, all that carry the pod's traffic: those that are up, have an address
 * beyond their link, and are Ethernet. A tunnel is left out, because its packets leave the pod by another interface.
 * @throws ChaosError FAILED_PRECONDITION, naming those that there are.
 */
export function carriers(links: readonly NetworkInterface[], names: readonly string[]): readonly NetworkInterface[] {
  const usable = links.filter(({ name }) => !isOurDevice(name));
  const plain = usable.filter(({ name }) => INTERFACE_NAME.test(name));
  const wayOut = `set the parameter interface to one of ${plain.map(({ name }) => name).join(', ')}`;
  if (names.length === 0) {
    const carrying = usable.filter(({ up, ethernet, addresses }) => up && ethernet && addresses.some(isBeyondLink));
    // What passes a bridge inside the pod leaves it by one of the others.
    const others = carrying.filter(({ kind }) => kind !== 'bridge');
    const found = others.length > 0 ? others : carrying;
    const odd = found.filter(({ name }) => !INTERFACE_NAME.test(name));
    if (odd.length > 0) {
      const which = odd.map(({ name }) => JSON.stringify(name)).join(', ');
      throw new ChaosError('FAILED_PRECONDITION', `no rule can name the network interface ${which}: ${wayOut}`);
    }
    if (found.length > 0) return found;
    throw new ChaosError('FAILED_PRECONDITION', `no network interface of the pod is up with an address: ${wayOut}`);
  }
  const missing = names.filter((wanted) => !usable.some(({ name }) => name === wanted));
  if (missing.length > 0) {
    throw new ChaosError('FAILED_PRECONDITION', `the pod has no network interface ${missing.join(', ')}: ${wayOut}`);
  }
  return usable.filter(({ name }) => names.includes(name));
}

/** RFC 3927 and RFC 4291 §2.5.6. */
const isBeyondLink = (address: string): boolean => !/^(169\.254\.|fe[89ab])/i.test(address);

/** What stands on the device of that number, as far as its packets can be told from the device's own. */
export function carriedBy(index: number, links: readonly NetworkInterface[]): Carried | undefined {
  const above = links.filter(({ standsOn, name }) => standsOn === index && !isOurDevice(name));
  const own = links.find((link) => link.index === index)?.mac;
  const vlans = above.some(({ kind }) => kind === 'vlan');
  // In passthru mode a macvlan has the address of the device below.
  const addresses = above.flatMap(({ kind, mac }) =>
    kind === 'macvlan' && mac !== undefined && mac !== own ? [mac] : [],
  );
  return vlans || addresses.length > 0 ? { vlans, addresses } : undefined;
}
