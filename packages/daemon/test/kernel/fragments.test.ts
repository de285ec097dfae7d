/** Datagrams in fragments, under a scope with ports that only the first fragment shows. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import {
  addressOf,
  createLab,
  distribution,
  sendOneWay,
  type Family,
  type Lab,
  type OneWay,
} from '@chaosplane/testkit';
import { shapersOfKernel, startLabDaemon, type LabDaemon } from '@chaosplane/testkit/lab-daemon';

jest.setTimeout(120_000);

let lab: Lab;
let daemon: LabDaemon;

beforeEach(() => {
  lab = createLab({ peers: 1 });
});

afterEach(async () => {
  await daemon.close();
  lab.close();
});

/** Six fragments each. */
const BYTES = 8000;

const send = (direction: 'egress' | 'ingress', family: Family, count: number): Promise<OneWay> => {
  const [from, to] = direction === 'egress' ? [lab.target, lab.peer(0)] : [lab.peer(0), lab.target];
  return sendOneWay(from, to, { count, family, bytes: BYTES, burst: 5, withinMs: 3000 });
};

const ways = [
  ['egress', 4],
  ['egress', 6],
  ['ingress', 4],
  ['ingress', 6],
] as const;

for (const { engine, skipped } of await shapersOfKernel()) {
  const group = skipped === undefined ? describe : describe.skip;
  group(`a delay of a port, by ${engine}${skipped === undefined ? '' : ` (${skipped})`}`, () => {
    test.each(ways)('has whole datagrams wait: %s, IPv%d', async (direction, family) => {
      daemon = await startLabDaemon(lab, { engine });
      const record = await daemon.exec('delay', { latency: '100ms', direction, ports: '9000', protocol: 'udp' });
      const { received, times, corrupted } = await send(direction, family, 300);
      expect({ received, corrupted }).toEqual({ received: 300, corrupted: 0 });
      expect(distribution(times).least).toBeGreaterThan(99);
      const { counters } = (await daemon.observe(record)).evidence ?? {};
      // The first fragment alone has the port; each of the six was delayed, unless they were put together before.
      expect(counters?.['packets_delayed']).toBeGreaterThanOrEqual(300);
    });
  });
}

describe('a loss of a port', () => {
  test.each(ways)('loses its share of datagrams: %s, IPv%d', async (direction, family) => {
    daemon = await startLabDaemon(lab);
    const record = await daemon.exec('loss', { percent: '20', direction, ports: '9000', protocol: 'udp' });
    const { received, sent } = await send(direction, family, 2000);
    // Counted are datagrams, by their first fragments.
    expect((await daemon.observe(record)).evidence).toMatchObject({
      verdict: 'verified',
      counters: { packets_matched: sent, packets_dropped: sent - received },
    });
    expect((100 * (sent - received)) / sent).toBeGreaterThan(16);
    expect((100 * (sent - received)) / sent).toBeLessThan(24);
  });

  test('leaves the fragments of other ports alone', async () => {
    daemon = await startLabDaemon(lab);
    await daemon.exec('partition', { ports: '9000' });
    const other = await sendOneWay(lab.target, lab.peer(0), { count: 50, bytes: BYTES, port: 9001 });
    expect(other.received).toBe(50);
    expect(addressOf(lab.peer(0), 4)).toBe(lab.peer(0).ipv4);
    expect((await send('egress', 4, 20)).received).toBe(0);
  });
});
