/** Frames of a TAP device with the header of virtio_net: a wrong bit in one, as a bad link makes it. */
import { corrupted } from '../queue/corrupt.ts';

/*
 * virtio_net's header (in front of each frame, in the order of the machine): flags, kind of GSO, length of all headers, size of a
 * segment, where the checksum begins, where it is stored from there.
 * https://docs.oasis-open.org/virtio/virtio/v1.2/virtio-v1.2.html#x1-2330006
 */
/** The length of that header. */
export const VIRTIO_HEADER_BYTES = 10;
const NEEDS_CHECKSUM = 1;
const [NO_GSO, GSO_TCP4, GSO_TCP6, GSO_KINDS] = [0, 1, 4, 0x7f];
const ETHERNET_BYTES = 14;

interface Header {
  readonly needsChecksum: boolean;
  /** 0: one packet as it is. */
  readonly gso: number;
  readonly segmentBytes: number;
  readonly checksumStart: number;
  readonly checksumOffset: number;
}

function headerOf(frame: Buffer): Header {
  return {
    needsChecksum: (frame.readUInt8(0) & NEEDS_CHECKSUM) !== 0,
    gso: frame.readUInt8(1) & GSO_KINDS,
    segmentBytes: frame.readUInt16LE(4),
    checksumStart: frame.readUInt16LE(6),
    checksumOffset: frame.readUInt16LE(8),
  };
}

/**
 * The frame with one bit flipped behind its IP header. Its checksums are made before, so that they are wrong, as behind a bad link;
 * of a large packet of TCP the first segment gets the wrong bit, as netem does it, and the others follow in a frame of their own.
 * `random` gives numbers in [0, 1).
 */
export function corruptedFrames(frame: Buffer, random: () => number): Buffer[] {
  const header = headerOf(frame);
  if (header.gso === NO_GSO) return [flipped(finished(frame, header), random)];
  if (header.gso !== GSO_TCP4 && header.gso !== GSO_TCP6) return [flipped(frame, random)];
  const [first, rest] = splitFirst(frame, header);
  return [flipped(first, random), ...(rest === undefined ? [] : [rest])];
}

function flipped(frame: Buffer, random: () => number): Buffer {
  const head = VIRTIO_HEADER_BYTES + ETHERNET_BYTES;
  return Buffer.concat([frame.subarray(0, head), corrupted(frame.subarray(head), random)]);
}

/** One packet whose checksum is made. */
function finished(frame: Buffer, { needsChecksum, checksumStart, checksumOffset }: Header): Buffer {
  if (!needsChecksum) return frame;
  const made = Buffer.from(frame);
  made.writeUInt8(0, 0);
  const from = VIRTIO_HEADER_BYTES + checksumStart;
  // The field holds the sum over the pseudo header already.
  made.writeUInt16BE(~onesSum(made.subarray(from)) & 0xffff, from + checksumOffset);
  return made;
}

/** The first segment of a large packet of TCP as a packet of its own, and what is left; see RFC 9293 §3.1. */
function splitFirst(frame: Buffer, header: Header): [Buffer, Buffer | undefined] {
  const tcpAt = VIRTIO_HEADER_BYTES + header.checksumStart;
  const dataAt = tcpAt + (frame.readUInt8(tcpAt + 12) >> 4) * 4;
  const cut = dataAt + header.segmentBytes;
  if (cut >= frame.length) return [finished(single(frame, tcpAt, frame.length), header), undefined];
  const first = single(frame.subarray(0, cut), tcpAt, frame.length);
  // FIN and PSH belong to the last segment.
  first.writeUInt8(first.readUInt8(tcpAt + 13) & ~0x09, tcpAt + 13);
  const rest = Buffer.concat([frame.subarray(0, dataAt), frame.subarray(cut)]);
  rest.writeUInt32BE((rest.readUInt32BE(tcpAt + 4) + header.segmentBytes) >>> 0, tcpAt + 4);
  // CWR belongs to the first one.
  rest.writeUInt8(rest.readUInt8(tcpAt + 13) & ~0x80, tcpAt + 13);
  resize(rest, tcpAt, frame.length);
  if (rest.length - dataAt <= header.segmentBytes) rest.writeUInt8(NO_GSO, 1);
  return [finished(first, header), rest];
}

/** A frame that is no large packet any more; `before`: how long it was. */
function single(frame: Buffer, tcpAt: number, before: number): Buffer {
  const made = Buffer.from(frame);
  made.writeUInt8(NO_GSO, 1);
  resize(made, tcpAt, before);
  return made;
}

/** Writes the IP header's length, its checksum, and what the pseudo header has of the length. */
function resize(frame: Buffer, tcpAt: number, before: number): void {
  const ipAt = VIRTIO_HEADER_BYTES + ETHERNET_BYTES;
  const six = frame.readUInt8(ipAt) >> 4 === 6;
  if (six) frame.writeUInt16BE(frame.length - ipAt - 40, ipAt + 4);
  else {
    frame.writeUInt16BE(frame.length - ipAt, ipAt + 2);
    frame.writeUInt16BE(0, ipAt + 10);
    frame.writeUInt16BE(~onesSum(frame.subarray(ipAt, ipAt + (frame.readUInt8(ipAt) & 0xf) * 4)) & 0xffff, ipAt + 10);
  }
  const pseudo = frame.readUInt16BE(tcpAt + 16);
  frame.writeUInt16BE(fold(pseudo + (0xffff - fold(before - tcpAt)) + fold(frame.length - tcpAt)), tcpAt + 16);
}

/** The ones' complement sum of 16-bit words; see RFC 1071. */
export function onesSum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at + 1 < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  if (bytes.length % 2 === 1) sum += (bytes[bytes.length - 1] ?? 0) << 8;
  return fold(sum);
}

function fold(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x1_0000);
  return folded;
}
