/** The messages of NFQUEUE, as in linux/netfilter/nfnetlink_queue.h: binding, packets, verdicts. */
import { ACKNOWLEDGE, attribute, attributesIn, message, number32, REQUEST, type Received } from '../kernel/netlink.ts';

const SUBSYSTEM = 3 << 8;
const [PACKET, VERDICT, CONFIG] = [SUBSYSTEM | 0, SUBSYSTEM | 1, SUBSYSTEM | 2];
const UNSPECIFIED_FAMILY = 0;
const [CFG_COMMAND, CFG_PARAMETERS, CFG_MAXIMUM, CFG_MASK, CFG_FLAGS] = [1, 2, 3, 4, 5];
const [BIND, UNBIND] = [1, 2];
/** Copy no payload: to delay a packet, its number and mark are enough. */
const COPY_META = 1;
/** Copy all of it, to change it. */
const COPY_PACKET = 2;
const WHOLE_PACKET = 0xffff;
/** When the queue is full, packets pass instead of being dropped. */
const FAIL_OPEN = 1;
/** Segments stay together: one verdict for up to 64 KB. */
const KEEP_SEGMENTS = 4;
const [PACKET_HEADER, VERDICT_HEADER, MARK, PAYLOAD] = [1, 2, 3, 10];
const ACCEPT = 1;

/** How many packets may wait in one namespace; further ones pass at once. */
export const LONGEST_QUEUE = 65_536;

/** A packet that waits in the kernel for our verdict. */
export interface QueuedPacket {
  readonly id: number;
  readonly mark: number;
  /** From the IP header on; absent where packets are not copied, and once it is known that this one stays as it is. */
  readonly payload?: Buffer;
}

function configuration(queue: number, sequence: number, ...attributes: Buffer[]): Buffer {
  const head = { type: CONFIG, flags: REQUEST | ACKNOWLEDGE, sequence, family: UNSPECIFIED_FAMILY, resource: queue };
  return message(head, ...attributes);
}

function command(queue: number, sequence: number, kind: number): Buffer {
  return configuration(queue, sequence, attribute(CFG_COMMAND, Buffer.from([kind, 0, 0, 0])));
}

/** Makes the sender the listener of `queue`. */
export function bindMessages(queue: number, payloads: boolean): Buffer[] {
  return [
    command(queue, 1, BIND),
    configuration(queue, 2, attribute(CFG_MAXIMUM, number32(LONGEST_QUEUE))),
    ...copyMessages(queue, payloads),
  ];
}

/**
 * Whether packets come with their payloads. With them, TCP's large packets (GSO) are split and their checksums made before: a
 * packet that is changed would otherwise leave with none.
 */
export function copyMessages(queue: number, payloads: boolean): Buffer[] {
  const range = Buffer.concat([
    number32(payloads ? WHOLE_PACKET : 0),
    Buffer.from([payloads ? COPY_PACKET : COPY_META]),
  ]);
  const flags = number32(payloads ? FAIL_OPEN : FAIL_OPEN | KEEP_SEGMENTS);
  return [
    configuration(queue, 3, attribute(CFG_PARAMETERS, range)),
    configuration(queue, 4, attribute(CFG_MASK, number32(FAIL_OPEN | KEEP_SEGMENTS)), attribute(CFG_FLAGS, flags)),
  ];
}

/** Ends that. The kernel drops what still waits: give the verdicts first. */
export function unbindMessage(queue: number): Buffer {
  return command(queue, 5, UNBIND);
}

/** The packet in a received message; undefined when it is something else. */
export function packetIn({ type, body }: Received): QueuedPacket | undefined {
  if (type !== PACKET) return undefined;
  const attributes = attributesIn(body, 4);
  const header = attributes.get(PACKET_HEADER);
  if (header === undefined || header.length < 4) return undefined;
  const [mark, payload] = [attributes.get(MARK), attributes.get(PAYLOAD)];
  return {
    id: header.readUInt32BE(0),
    mark: mark?.length === 4 ? mark.readUInt32BE(0) : 0,
    ...(payload === undefined ? {} : { payload }),
  };
}

/** Lets a packet go with that mark, and with another payload where it has one. */
export function acceptMessage(queue: number, { id, mark, payload }: QueuedPacket): Buffer {
  const head = { type: VERDICT, flags: REQUEST, sequence: 0, family: UNSPECIFIED_FAMILY, resource: queue };
  const verdict = Buffer.concat([number32(ACCEPT), number32(id)]);
  const changed = payload === undefined ? [] : [attribute(PAYLOAD, payload)];
  return message(head, attribute(VERDICT_HEADER, verdict), attribute(MARK, number32(mark)), ...changed);
}
