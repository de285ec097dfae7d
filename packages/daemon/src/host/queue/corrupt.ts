/** A wrong bit in a packet, as a bad link makes it. */

const [IPV4, IPV6_HEADER_BYTES] = [4, 40];

/**
 * A copy of an IP packet with one bit flipped behind its IP header, so that it still finds its way; its checksums are left as they are: wrong.
 * `random` gives numbers in [0, 1).
 */
export function corrupted(packet: Buffer, random: () => number): Buffer {
  const changed = Buffer.from(packet);
  const first = packet[0] ?? 0;
  const header = first >> 4 === IPV4 ? (first & 0xf) * 4 : IPV6_HEADER_BYTES;
  const from = header < packet.length ? header : 0;
  const at = from + Math.floor(random() * (packet.length - from));
  changed[at] = (packet[at] ?? 0) ^ (1 << Math.floor(random() * 8));
  return changed;
}
