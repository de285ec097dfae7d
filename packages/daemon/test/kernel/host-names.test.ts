/** Peers by host name on a real kernel: as the pod's own DNS says, also when that says something else meanwhile. */
import { createSocket } from 'node:dgram';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { createLab, eventually, sendOneWay, type Lab, type LabNamespace } from '@chaosplane/testkit';
import { decode, encode, RECURSION_AVAILABLE, RECURSION_DESIRED, type Answer } from 'dns-packet';
import { udpSocket } from '../../src/host/kernel/sockets.ts';
import { startLabDaemon, type LabDaemon } from '@chaosplane/testkit/lab-daemon';

// Emulated machines are twenty times slower.
jest.setTimeout(180_000);

const FEW = 20;

let lab: Lab;
let daemon: LabDaemon;
/** What the resolver in the third namespace says, by name. It knows nothing else. */
let zone: Record<string, readonly string[]>;
let asked: string[];
let resolver: ReturnType<typeof createSocket>;

beforeEach(async () => {
  lab = createLab({ peers: 3 });
  [zone, asked] = [{}, []];
  const server = lab.peer(2);
  resolver = createSocket('udp4');
  resolver.on('message', (message, from) => resolver.send(answerTo(message), from.port, from.address));
  await new Promise<void>((resolve) => {
    resolver.bind({ fd: udpSocket(server.netns, { address: server.ipv4, port: 53 }) }, resolve);
  });
  const dns = { servers: [server.ipv4], searches: ['shop.svc.test', 'svc.test'], ndots: 5 };
  daemon = await startLabDaemon(lab, {}, { dns });
});

afterEach(async () => {
  await daemon.close();
  resolver.close();
  lab.close();
});

function answerTo(message: Buffer): Buffer {
  const { id = 0, questions = [] } = decode(message);
  const [{ name, type } = { name: '', type: 'A' as const }] = questions;
  asked.push(`${name} ${type}`);
  const known = zone[name];
  const data = (known ?? []).filter((address) => address.includes(':') === (type === 'AAAA'));
  const answers = data.map((address) => ({ name, type, ttl: 1, data: address }) as Answer);
  const noSuchName = 3;
  const flags = RECURSION_DESIRED | RECURSION_AVAILABLE | (known === undefined ? noSuchName : 0);
  return encode({ type: 'response', id, flags, questions, answers });
}

const reaches = async (to: LabNamespace, family: 4 | 6 = 4): Promise<boolean> =>
  (await sendOneWay(lab.target, to, { count: FEW, family, withinMs: 300 })).received === FEW;

test('a partition from a host name is one from all its addresses, and from no other peer', async () => {
  zone = { 'db.shop.svc.test': [lab.peer(0).ipv4, lab.peer(0).ipv6] };
  await daemon.exec('partition', { peers: 'db' });
  expect(asked.toSorted()).toEqual(['db.shop.svc.test A', 'db.shop.svc.test AAAA']);
  expect([await reaches(lab.peer(0)), await reaches(lab.peer(0), 6), await reaches(lab.peer(1))]).toEqual([
    false,
    false,
    true,
  ]);
});

test('it follows the name, and keeps the last addresses when no resolver answers any more', async () => {
  zone = { 'db.test': [lab.peer(0).ipv4] };
  const record = await daemon.exec('partition', { targetCidr: 'db.test.', direction: 'egress' });
  await sendOneWay(lab.target, lab.peer(0), { count: FEW, withinMs: 50 });
  zone = { 'db.test': [lab.peer(1).ipv4] };
  await eventually(
    'the other address is hit',
    async () => (await reaches(lab.peer(0))) && !(await reaches(lab.peer(1))),
    { withinMs: 60_000 },
  );
  const counters = (await daemon.observe(record)).evidence?.counters ?? {};
  expect(counters['packets_dropped']).toBeGreaterThanOrEqual(2 * FEW);

  zone = {};
  await eventually('a note tells of the name', async () => (await daemon.observe(record)).record.notes.length > 0, {
    withinMs: 60_000,
  });
  expect((await daemon.observe(record)).record.notes[0]).toMatch(
    /the last addresses are kept: the host name db\.test\. has no/,
  );
  expect(await reaches(lab.peer(1))).toBe(false);
  await daemon.cancel(record);
  expect(await reaches(lab.peer(1))).toBe(true);
});

test('a name that means nothing is refused with the way out, and nothing is changed', async () => {
  zone = { 'db.test': [lab.peer(0).ipv4] };
  await expect(daemon.exec('delay', { latency: '1ms', peers: 'db.test.,nobody.test.' })).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    message: `the host name nobody.test. has no address in the pod's DNS (${lab.peer(2).ipv4}): correct the name, or give addresses`,
  });
  expect(await reaches(lab.peer(0))).toBe(true);
});
