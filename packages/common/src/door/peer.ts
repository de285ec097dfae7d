/** By what a peer is known: its address, in the width in which one host can choose addresses. Pure. */
import { formatCidr, parseCidr } from '../network.ts';

/** The address of a socket as other parts write it: an IPv4 address also where the socket is one of IPv6, and no zone. */
export function addressOf(remoteAddress: string): string {
  const parsed = parseCidr(remoteAddress.replace(/%.*$/, ''));
  return parsed.ok ? parsed.value.address : remoteAddress;
}

/**
 * An IPv4 address is a peer; of IPv6 addresses the network of 64 bits, in which a host takes as many addresses as it likes (RFC 4862).
 */
export function peerOf(address: string): string {
  const parsed = parseCidr(address);
  if (!parsed.ok || parsed.value.family === 4) return address;
  const network = parseCidr(`${address}/64`);
  return network.ok ? formatCidr(network.value) : address;
}
