/** Makes the connection tracking of a namespace forget flows by their mark. */
import { closeSync } from 'node:fs';
import { ACKNOWLEDGE, attribute, message, number32, REQUEST } from '../kernel/netlink.ts';
import type { NetnsHandle } from '../kernel/netns.ts';
import { openNfnetlink, request } from '../kernel/nfnetlink.ts';

/**
 * Forgets every flow whose mark is `mark` under `mask`: its next packet is a new flow. Without it, a program that keeps one
 * UDP socket would be redirected on for as long as conntrack remembers, when another program's rules keep conntrack on.
 * @throws SystemError when the kernel has no ctnetlink.
 */
export function forgetFlows(netns: Pick<NetnsHandle, 'within'>, mark: number, mask: number): void {
  const [deleteFlow, anyFamily, markAttribute, maskAttribute] = [0x0102, 0, 8, 21];
  const head = { type: deleteFlow, flags: REQUEST | ACKNOWLEDGE, sequence: 1, family: anyFamily, resource: 0 };
  const fd = openNfnetlink(netns);
  try {
    const filter = [attribute(markAttribute, number32(mark)), attribute(maskAttribute, number32(mask))];
    request(fd, 'forgetting flows', [message(head, ...filter)]);
  } finally {
    closeSync(fd);
  }
}
