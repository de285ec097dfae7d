/** A wrong bit: exactly one, behind the IP header. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { corrupted } from './corrupt.ts';

const ones = (byte: number): number => byte.toString(2).replaceAll('0', '').length;

test.each([
  ['IPv4', 0x45, 20],
  ['IPv4 with options', 0x4f, 60],
  ['IPv6', 0x60, 40],
] as const)('a packet of %s differs by one bit behind its header', (_name, first, header) => {
  const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), fraction, fraction, (body, where, which) => {
      const packet = Buffer.concat([Buffer.from([first]), Buffer.alloc(header - 1), Buffer.from(body)]);
      const draws = [where, which];
      const changed = corrupted(packet, () => draws.shift() ?? 0);
      expect(changed.subarray(0, header)).toEqual(packet.subarray(0, header));
      expect(changed.reduce((sum, byte, index) => sum + ones(byte ^ (packet[index] ?? 0)), 0)).toBe(1);
    }),
  );
});

test('what is no whole packet is taken as well', () => {
  expect(corrupted(Buffer.alloc(0), () => 0)).toHaveLength(1 - 1);
  expect(corrupted(Buffer.from([0x45]), () => 0)).toHaveLength(1);
});
