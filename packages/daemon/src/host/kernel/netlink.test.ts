/** Netlink messages: what is built can be read back, and nothing that comes in breaks the reader. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { attribute, attributesIn, errnoOf, message, messagesIn, nested, number32 } from './netlink.ts';
import { packetIn } from '../queue/packet.ts';

const head = { type: 0x0300, flags: 1, sequence: 7, family: 2, resource: 0xc4a0 };

describe('netlink messages', () => {
  test('attributes are read back, regardless of their length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40 }), (one, two) => {
        const built = message(head, attribute(1, Buffer.from(one)), attribute(2, Buffer.from(two)));
        const [received] = messagesIn(built);
        expect(received?.sequence).toBe(7);
        const attributes = attributesIn(received?.body ?? Buffer.alloc(0), 4);
        expect([attributes.get(1), attributes.get(2)]).toEqual([Buffer.from(one), Buffer.from(two)]);
      }),
    );
  });

  test('any bytes are read without an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const received of messagesIn(Buffer.from(bytes))) {
          packetIn(received);
          errnoOf(received);
        }
      }),
    );
  });

  test('a packet of a queue gives its number and mark', () => {
    const header = Buffer.concat([number32(42), Buffer.from([8, 0, 4])]);
    const [received] = messagesIn(message(head, attribute(1, header), attribute(3, number32(0x80010000))));
    expect(received && packetIn(received)).toEqual({ id: 42, mark: 0x80010000 });
  });

  test('a nested attribute carries the flag that newer kernels ask for', () => {
    expect(nested(4, attribute(1, number32(1))).readUInt16LE(2)).toBe(0x8004);
  });

  test('an answer with an error gives its errno, an acknowledgement 0', () => {
    const answer = (code: number): number | undefined => {
      const body = Buffer.alloc(20);
      body.writeInt32LE(code);
      return errnoOf({ type: 2, sequence: 1, body });
    };
    expect([answer(-2), answer(0)]).toEqual([2, 0]);
  });
});
