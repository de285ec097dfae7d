/** The qdiscs of a namespace with their statistics, asked over rtnetlink: without a process, because a sweep asks for every pod. */
import { closeSync } from 'node:fs';
import { SystemError } from './libc.ts';
import type { NetworkInterface, Qdisc } from '../../contract/host.ts';
import { listInterfaces } from './links.ts';
import { attributesIn, DUMP, plainMessage, REQUEST, type Received } from './netlink.ts';
import type { NetnsHandle } from './netns.ts';
import { openRtnetlink, request } from './nfnetlink.ts';

/** linux/rtnetlink.h and linux/gen_stats.h. */
const [NEW_QDISC, GET_QDISC] = [36, 38];
const [KIND, STATISTICS] = [1, 7];
const [BASIC, QUEUE, PACKETS_64] = [1, 3, 8];
const ROOT = 0xffff_ffff;
/** struct tcmsg. */
const HEAD_LENGTH = 20;

/** Every qdisc. @throws SystemError */
export function listQdiscs(netns: NetnsHandle): readonly Qdisc[] {
  const devices = listInterfaces(netns);
  const found: Qdisc[] = [];
  const fd = openRtnetlink(netns);
  try {
    const question = plainMessage({ type: GET_QDISC, flags: REQUEST | DUMP, sequence: 1 }, Buffer.alloc(HEAD_LENGTH));
    request(fd, 'listing qdiscs', [question], (received) => found.push(...qdiscIn(received, devices)));
  } catch (error) {
    // A kernel without traffic control.
    if (!(error instanceof SystemError) || error.code !== 'EOPNOTSUPP') throw error;
  } finally {
    closeSync(fd);
  }
  return found;
}

/** The qdisc that a message tells of; none for another message, or for a device that has gone meanwhile. */
export function qdiscIn(
  { type, body }: Pick<Received, 'type' | 'body'>,
  devices: readonly Pick<NetworkInterface, 'name' | 'index'>[],
): Qdisc[] {
  if (type !== NEW_QDISC || body.length < HEAD_LENGTH) return [];
  const device = devices.find(({ index }) => index === body.readInt32LE(4))?.name;
  if (device === undefined) return [];
  const [handle, parent] = [body.readUInt32LE(8), body.readUInt32LE(12)];
  const attributes = attributesIn(body, HEAD_LENGTH);
  const statistics = attributesIn(attributes.get(STATISTICS) ?? Buffer.alloc(0), 0);
  // Some kinds (noqueue) count nothing.
  const basic = statistics.get(BASIC) ?? Buffer.alloc(0);
  const queue = statistics.get(QUEUE) ?? Buffer.alloc(0);
  // The kernel adds it once the 32 bits are too few.
  const many = statistics.get(PACKETS_64);
  return [
    {
      device,
      kind: (attributes.get(KIND)?.toString() ?? '').replace(/\0$/, ''),
      handle: nameOf(handle),
      parent: parent === ROOT || parent === 0 ? 'root' : nameOf(parent),
      packets: many === undefined ? (basic.length >= 12 ? basic.readUInt32LE(8) : 0) : Number(many.readBigUInt64LE(0)),
      bytes: basic.length >= 12 ? Number(basic.readBigUInt64LE(0)) : 0,
      drops: queue.length >= 12 ? queue.readUInt32LE(8) : 0,
      heldPackets: queue.length >= 12 ? queue.readUInt32LE(0) : 0,
      heldBytes: queue.length >= 12 ? queue.readUInt32LE(4) : 0,
    },
  ];
}

/** As tc writes it: `c4a0:` for a qdisc, `c4a0:1` for a class. */
function nameOf(handle: number): string {
  const minor = handle & 0xffff;
  return `${(handle >>> 16).toString(16)}:${minor === 0 ? '' : minor.toString(16)}`;
}
