/** Devices that others take down, rename, remove or give a qdisc of their own: faults are undone, and others go on. */
import { attemptConnection, memoryJournal } from '@chaosplane/testkit';
import { fingerprint } from '@chaosplane/testbed';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { ForeignLab, ipBatch, tcBatch } from './foreign-lab.ts';
import { kernelCapabilities } from '@chaosplane/testkit/lab-daemon';

jest.setTimeout(180_000);

let at: ForeignLab;

beforeEach(() => {
  at = new ForeignLab();
});

afterEach(() => at.close());

const capability = await kernelCapabilities();
const shapes = capability('sch-tbf').available && capability('ifb').available;

function rename(from: string, to: string): void {
  at.inPod(ipBatch, [`link set ${from} down`, `link set ${from} name ${to}`, `link set ${to} up`]);
}

const handled: readonly (readonly [string, (back: boolean) => void])[] = [
  ['down', (back) => at.inPod(ipBatch, [`link set eth0 ${back ? 'up' : 'down'}`])],
  ['renamed', (back) => (back ? rename('eth9', 'eth0') : rename('eth0', 'eth9'))],
  ['gone', () => at.inPod(ipBatch, ['link del eth0'])],
];

/** What of ChaosPlane is in the pod, by our names and numbers. */
const marks = async (): Promise<string[]> => {
  const lines = (await fingerprint(at.lab.target.path)).split('\n');
  return lines.filter((line) => /chaosplane|c4a0|cpifb|50336|c5[0-9a-f]{2}:|^1184:/.test(line));
};

describe.each(['delay', 'partition', 'bandwidth', 'HTTP'] as const)('a fault of kind %s', (name) => {
  (name === 'bandwidth' && !shapes ? test.skip : test).each(handled)(
    'is undone when the device of the pod is %s',
    async (_how, handle) => {
      await at.start();
      const kind = at.kinds[name];
      const [first, second] = [await kind.begin(0), await kind.begin(1)];
      handle(false);
      await at.renew(first, second);
      await at.daemon.observe(first);
      await at.cancel(first);
      await at.cancel(second);
      expect(await marks()).toEqual([]);
      handle(true);
    },
  );
});

test.each(['renamed', 'gone'] as const)(
  'a fault beside another whose device is %s acts, and is undone',
  async (how) => {
    await at.start();
    at.inPod(ipBatch, ['link add net1 type veth peer name net1-peer']);
    const first = await at.daemon.exec('delay', { latency: '20ms', interface: 'net1' });
    const others = [await at.daemon.exec('partition', { interface: 'net1' })];
    if (how === 'gone') at.inPod(ipBatch, ['link del net1']);
    else rename('net1', 'net2');
    await expect(at.daemon.exec('loss', { percent: '10', interface: 'net1' })).rejects.toMatchObject({
      message: expect.stringContaining('no network interface net1'),
    });
    others.push(await at.kinds.delay.begin(0));
    await at.kinds.delay.acts();
    await at.cancel(first);
    await at.kinds.delay.acts();
    for (const other of others) await at.cancel(other);
    expect(await marks()).toEqual([]);
  },
);

test('a fault on a device that is made again acts there from the next renewal on', async () => {
  await at.start();
  const make = (): void => at.inPod(ipBatch, ['link add net1 type veth peer name net1-peer', 'link set net1 up']);
  make();
  const record = await at.daemon.exec('partition', { interface: 'net1' });
  at.inPod(ipBatch, ['link del net1']);
  make();
  await at.renew(record);
  const known = 'neighbour add 10.99.0.2 lladdr 02:00:00:00:00:02 dev net1';
  at.inPod(ipBatch, ['link set net1-peer up', 'address add 10.99.0.1/24 dev net1', known]);
  await attemptConnection(at.lab.target, { ...at.lab.peer(0), ipv4: '10.99.0.2' }, { withinMs: 100 });
  expect((await at.daemon.observe(record)).evidence?.counters['packets_dropped']).toBeGreaterThan(0);
  await at.cancel(record);
  expect(await marks()).toEqual([]);
});

test.each([
  ['everything of it is gone', () => at.remove('all of it')],
  ['a root qdisc of others is in its place', () => at.inPod(tcBatch, ['qdisc replace dev eth0 root pfifo'])],
])('a daemon that starts when %s has its faults in force', async (_, change) => {
  const journal = memoryJournal();
  await at.start('auto', journal);
  const [partition, slow] = [await at.kinds.partition.begin(0), await at.kinds.delay.begin(0)];
  await at.daemon.leave();
  change();
  await at.start('auto', journal);
  await at.nothingArrives();
  const { record } = await at.daemon.observe(slow);
  await at.cancel(partition);
  // Where it needs that very place, it has ended, and says why.
  if (record.state === 'active') await at.kinds.delay.acts();
  else expect(record.notes.join()).toContain('root qdisc');
  await at.cancel(slow);
  expect(await marks()).toEqual([]);
});
