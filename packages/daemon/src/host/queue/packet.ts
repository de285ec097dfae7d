/** The messages of NFQUEUE, as in linux/netfilter/nfnetlink_queue.h: binding, packets, verdicts. */
import { ACKNOWLEDGE, attribute, attributesIn, message, number32, REQUEST, type Received } from '../netlink.ts';

const SUBSYSTEM = 3 << 8;
const [PACKET, VERDICT, CONFIG] = [SUBSYSTEM | 0, SUBSYSTEM | 1, SUBSYSTEM | 2];
const UNSPECIFIED_FAMILY = 0;
const [CFG_COMMAND, CFG_PARAMETERS, CFG_MAXIMUM, CFG_MASK, CFG_FLAGS] = [1, 2, 3, 4, 5];
const [BIND, UNBIND] = [1, 2];
/** Copy no payload: to delay a packet, its number and mark are enough. */
const COPY_META = 1;
/** When the queue is full, packets pass instead of being dropped. */
const FAIL_OPEN = 1;
/** Segments stay together: one verdict for up to 64 KB. */
const KEEP_SEGMENTS = 4;
const [PACKET_HEADER, VERDICT_HEADER, MARK] = [1, 2, 3];
const ACCEPT = 1;

/** How many packets may wait in one namespace; further ones pass at once. */
export const LONGEST_QUEUE = 65_536;

/** A packet that waits in the kernel for our verdict. */
export interface QueuedPacket {
  readonly id: number;
  readonly mark: number;
}

function configuration(queue: number, sequence: number, ...attributes: Buffer[]): Buffer {
  const head = { type: CONFIG, flags: REQUEST | ACKNOWLEDGE, sequence, family: UNSPECIFIED_FAMILY, resource: queue };
  return message(head, ...attributes);
}

function command(queue: number, sequence: number, kind: number): Buffer {
  return configuration(queue, sequence, attribute(CFG_COMMAND, Buffer.from([kind, 0, 0, 0])));
}

/** Makes the sender the listener of `queue`. */
export function bindMessages(queue: number): Buffer[] {
  const parameters = Buffer.concat([number32(0), Buffer.from([COPY_META])]);
  const flags = number32(FAIL_OPEN | KEEP_SEGMENTS);
  return [
    command(queue, 1, BIND),
    configuration(queue, 2, attribute(CFG_PARAMETERS, parameters)),
    configuration(queue, 3, attribute(CFG_MAXIMUM, number32(LONGEST_QUEUE))),
    configuration(queue, 4, attribute(CFG_MASK, flags), attribute(CFG_FLAGS, flags)),
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
  const mark = attributes.get(MARK);
  return { id: header.readUInt32BE(0), mark: mark?.length === 4 ? mark.readUInt32BE(0) : 0 };
}

/** Lets a packet go with that mark. */
export function acceptMessage(queue: number, { id, mark }: QueuedPacket): Buffer {
  const head = { type: VERDICT, flags: REQUEST, sequence: 0, family: UNSPECIFIED_FAMILY, resource: queue };
  const verdict = Buffer.concat([number32(ACCEPT), number32(id)]);
  return message(head, attribute(VERDICT_HEADER, verdict), attribute(MARK, number32(mark)));
}
