/** Pods with several interfaces, and devices that stand on others: every packet is hit once, whichever way it takes. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createLab, distribution, ip, sendOneWay, type Lab, type LabNamespace } from '@chaosplane/testkit';
import { shapersOfKernel, startLabDaemon, type LabDaemon } from '@chaosplane/testkit/lab-daemon';

jest.setTimeout(120_000);

let lab: Lab;
let daemon: LabDaemon;

/** What the target and its peer are joined by: network number → the device of each, or how it is made on eth0. */
const NETWORKS = {
  eth0: [0],
  // A second network, as Multus gives one.
  net1: [1],
  'eth0.5': [2, 'type', 'vlan', 'id', '5'],
  mv0: [3, 'type', 'macvlan', 'mode', 'bridge'],
} as const;
type Way = keyof typeof NETWORKS;

const addressOn = (way: Way, host: number): string => `10.77.${NETWORKS[way][0]}.${host}`;

/** Whether this kernel has that kind of device. */
function exists(way: Way): boolean {
  const [, ...kind] = NETWORKS[way];
  if (kind.length === 0) return true;
  const trial = createLab({ peers: 0 });
  try {
    ip('-n', trial.target.name, 'link', 'add', 'link', 'eth0', 'name', way, ...kind);
    return true;
  } catch {
    return false;
  } finally {
    trial.close();
  }
}

const all = Object.keys(NETWORKS) as Way[];
const ways = all.filter(exists);
const missing = all.filter((way) => !ways.includes(way));

beforeEach(() => {
  lab = createLab({ peers: 1 });
  const [target, peer] = [lab.target, lab.peer(0)];
  ip('-n', target.name, 'link', 'add', 'net1', 'type', 'veth', 'peer', 'name', 'net1', 'netns', peer.name);
  for (const [end, host] of [[target, 1] as const, [peer, 2] as const]) {
    for (const way of ways) {
      const [, ...kind] = NETWORKS[way];
      if (kind.length > 0) ip('-n', end.name, 'link', 'add', 'link', 'eth0', 'name', way, ...kind);
      if (way === 'eth0') continue;
      ip('-n', end.name, 'address', 'add', `${addressOn(way, host)}/24`, 'dev', way);
      ip('-n', end.name, 'link', 'set', way, 'up');
    }
  }
});

afterEach(async () => {
  await daemon.close();
  lab.close();
});

test.skip.each(missing)('a fault on %s (this kernel makes no such device)', () => undefined);

async function travel(
  way: Way,
  from: LabNamespace,
  to: LabNamespace,
  host: number,
): Promise<{ received: number; ms: number }> {
  const sending = { count: 20, burst: 1, everyMs: 2, withinMs: 600, address: addressOn(way, host) };
  const { received, times } = await sendOneWay(from, to, sending);
  return { received, ms: distribution(times).median };
}

const leave = (way: Way) => travel(way, lab.target, lab.peer(0), 2);
const arrive = (way: Way) => travel(way, lab.peer(0), lab.target, 1);

test.each(ways)('a partition without an interface cuts %s, both ways, and says on which it is', async (way) => {
  daemon = await startLabDaemon(lab);
  const record = await daemon.exec('partition', {});
  expect((await leave(way)).received).toBe(0);
  expect((await arrive(way)).received).toBe(0);
  expect(record.notes.join()).toContain('eth0, ');
  for (const name of ways) expect(record.notes.join()).toContain(name);
  await daemon.cancel(record);
  expect((await leave(way)).received).toBe(20);
});

test('a partition of one interface leaves the others', async () => {
  daemon = await startLabDaemon(lab);
  await daemon.exec('partition', { interface: 'net1' });
  expect((await leave('net1')).received).toBe(0);
  for (const way of ways.filter((other) => other !== 'net1')) expect((await leave(way)).received).toBe(20);
});

test('an interface that the pod lacks is refused, with those that it has', async () => {
  daemon = await startLabDaemon(lab);
  await expect(daemon.exec('partition', { interface: 'net7' })).rejects.toThrow(
    'the pod has no network interface net7: set the parameter interface to one of lo, eth0, net1',
  );
});

for (const { engine, skipped } of await shapersOfKernel()) {
  const group = skipped === undefined ? describe : describe.skip;
  group(`a delay without an interface, by ${engine}${skipped === undefined ? '' : ` (${skipped})`}`, () => {
    test.each(ways)('is felt once on %s, each way', async (way) => {
      daemon = await startLabDaemon(lab, { engine });
      await daemon.exec('delay', { latency: '100ms', direction: 'both' });
      for (const travel of [leave, arrive]) {
        let travelled = await travel(way);
        // A busy machine makes some tries late; what is hit twice is so in all.
        for (let tried = 1; tried < 5 && travelled.ms >= 150; tried++) travelled = await travel(way);
        expect(travelled.received).toBe(20);
        expect(travelled.ms).toBeGreaterThan(99);
        expect(travelled.ms).toBeLessThan(150);
      }
    });
  });
}
