/** The measuring tools measure right where nothing is wrong: no packet lost, none late. */
import { afterAll, beforeAll, describe, expect, test, jest } from '@jest/globals';
import {
  createLab,
  distribution,
  openFlow,
  roundTrips,
  sendOneWay,
  tcpConnectTime,
  type Lab,
} from '../../src/index.ts';

// Emulated machines are twenty times slower.
jest.setTimeout(180_000);

let lab: Lab;
beforeAll(() => {
  lab = createLab({ peers: 2 });
});
afterAll(() => lab.close());

describe.each([4, 6] as const)('over IPv%d', (family) => {
  test('5,000 packets sent one way all arrive, once and whole', async () => {
    const result = await sendOneWay(lab.target, lab.peer(0), { count: 5000, family, withinMs: 2000 });
    expect(result).toMatchObject({ sent: 5000, received: 5000, duplicates: 0, corrupted: 0, sendErrors: 0 });
  });

  test('every round trip is answered', async () => {
    const times = await roundTrips(lab.peer(1), lab.target, { count: 50, family });
    expect(times).toHaveLength(50);
    expect(distribution(times).median).toBeLessThan(50);
  });

  test('a connection opens, and carries words', async () => {
    expect(await tcpConnectTime(lab.target, lab.peer(1), { family })).toBeLessThan(1000);
    const flow = await openFlow(lab.peer(0), lab.target, { family });
    expect(await flow?.exchange(1000)).toBeLessThan(1000);
    flow?.close();
  });
});

test('a connection that is refused is told as absent', async () => {
  // The other end listens on its own loopback address; the target has no listener there.
  const elsewhere = { ...lab.peer(0), ipv4: '127.0.0.1' };
  expect(await tcpConnectTime(lab.target, elsewhere, { withinMs: 500 })).toBeUndefined();
});
