/** Wrong bits in frames, checked by what a receiver would check. */
import { describe, expect, test } from '@jest/globals';
import { corruptedFrames, onesSum, VIRTIO_HEADER_BYTES } from './frames.ts';

const ETHERNET = 14;
const IP = VIRTIO_HEADER_BYTES + ETHERNET;

/** A TCP packet as a TAP device gives it: its checksum holds the sum over the pseudo header only. */
function tcpFrame(family: 4 | 6, payload: number, segment: number): Buffer {
  const ipBytes = family === 4 ? 20 : 40;
  const frame = Buffer.alloc(IP + ipBytes + 20 + payload, 0x5a);
  frame.fill(0, 0, IP);
  frame.writeUInt8(1, 0);
  frame.writeUInt8(payload > segment ? (family === 4 ? 1 : 4) : 0, 1);
  frame.writeUInt16LE(segment, 4);
  frame.writeUInt16LE(ETHERNET + ipBytes, 6);
  frame.writeUInt16LE(16, 8);
  const length = 20 + payload;
  if (family === 4) {
    frame.writeUInt8(0x45, IP);
    frame.writeUInt16BE(20 + length, IP + 2);
    frame.writeUInt8(6, IP + 9);
    frame.writeUInt16BE(0, IP + 10);
    frame.writeUInt16BE(~onesSum(frame.subarray(IP, IP + 20)) & 0xffff, IP + 10);
  } else {
    frame.writeUInt8(0x60, IP);
    frame.writeUInt16BE(length, IP + 4);
    frame.writeUInt8(6, IP + 6);
  }
  const tcp = IP + ipBytes;
  frame.writeUInt32BE(0xffff_fff0, tcp + 4);
  frame.writeUInt8(0x50, tcp + 12);
  // CWR, ACK, PSH and FIN.
  frame.writeUInt8(0x99, tcp + 13);
  frame.writeUInt16BE(pseudoSum(frame, family, length), tcp + 16);
  return frame;
}

const addresses = (frame: Buffer, family: 4 | 6): Buffer =>
  family === 4 ? frame.subarray(IP + 12, IP + 20) : frame.subarray(IP + 8, IP + 40);

function pseudoSum(frame: Buffer, family: 4 | 6, length: number): number {
  return onesSum(Buffer.concat([addresses(frame, family), Buffer.from([0, 6, length >> 8, length & 0xff])]));
}

/** What a receiver computes over a packet whose checksum is made: 0xffff when it is right. */
function received(frame: Buffer, family: 4 | 6): number {
  const tcp = IP + (family === 4 ? 20 : 40);
  const segment = frame.subarray(tcp);
  const pseudo = Buffer.concat([
    addresses(frame, family),
    Buffer.from([0, 6, segment.length >> 8, segment.length & 0xff]),
  ]);
  return onesSum(Buffer.concat([pseudo, segment]));
}

const flippedBits = (a: Buffer, b: Buffer): number =>
  [...a].reduce((bits, byte, index) => bits + ((byte ^ (b[index] ?? 0)).toString(2).match(/1/g)?.length ?? 0), 0);

/** Flips the highest bit of the last byte of the payload. */
const atTheEnd = (): number => 0.999_999;

describe.each([4, 6] as const)('a frame of IPv%d with a wrong bit', (family) => {
  const ipBytes = family === 4 ? 20 : 40;

  test('that is one packet arrives with a checksum that was made before', () => {
    const frame = tcpFrame(family, 100, 1000);
    const [only, ...more] = corruptedFrames(frame, atTheEnd);
    if (only === undefined) throw new Error('one frame');
    expect(more).toEqual([]);
    expect(only.readUInt8(0)).toBe(0);
    expect(received(only, family)).not.toBe(0xffff);
    only.writeUInt8(0x5a, only.length - 1);
    expect(received(only, family)).toBe(0xffff);
  });

  test('that is a large packet has it in its first segment; the rest stays as it was', () => {
    const frame = tcpFrame(family, 2500, 1000);
    const [first, rest] = corruptedFrames(frame, atTheEnd);
    if (first === undefined || rest === undefined) throw new Error('two frames');
    const tcp = IP + ipBytes;
    expect(first.length).toBe(tcp + 20 + 1000);
    expect(first.readUInt8(tcp + 13)).toBe(0x90);
    first.writeUInt8(0x5a, first.length - 1);
    expect(received(first, family)).toBe(0xffff);
    expect(rest.length).toBe(tcp + 20 + 1500);
    expect(rest.readUInt32BE(tcp + 4)).toBe((0xffff_fff0 + 1000) % 2 ** 32);
    expect(rest.readUInt8(tcp + 13)).toBe(0x19);
    // Still large, and its checksum still that of the pseudo header.
    expect([rest.readUInt8(0), rest.readUInt8(1)]).toEqual([1, family === 4 ? 1 : 4]);
    expect(rest.readUInt16BE(tcp + 16)).toBe(pseudoSum(rest, family, 1520));
    if (family === 4) for (const each of [first, rest]) expect(onesSum(each.subarray(IP, IP + 20))).toBe(0xffff);
  });

  test('leaves one packet when what is left fits into one', () => {
    const [, rest] = corruptedFrames(tcpFrame(family, 1500, 1000), atTheEnd);
    expect(rest?.readUInt8(1)).toBe(0);
  });

  test('differs from the sent one by one bit', () => {
    const frame = tcpFrame(family, 100, 1000);
    const [right] = corruptedFrames(frame, () => 0);
    const [wrong] = corruptedFrames(frame, atTheEnd);
    expect(flippedBits(right ?? frame, wrong ?? frame)).toBe(2);
  });
});
