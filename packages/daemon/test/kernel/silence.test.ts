/** A silent partition, and what the pod's own TCP and UDP feel of it: the same as of a cable that is out, in the same run. */
import { execFile } from 'node:child_process';
import { closeSync, mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import {
  addressOf,
  attemptConnection,
  createLab,
  openDelivery,
  type Attempt,
  type Delivery,
  type Lab,
  type LabNamespace,
} from '@chaosplane/testkit';
import { connect, send, setSocketOption } from '../../src/host/kernel/ffi.ts';
import { socketAddress, udpSocket } from '../../src/host/kernel/sockets.ts';
import { emulated, kernelCapabilities, startLabDaemon, type LabDaemon } from '@chaosplane/testkit/lab-daemon';

jest.setTimeout(180_000);

const run = promisify(execFile);
const capability = await kernelCapabilities();

/** TCP sends again 0.2, 0.6, 1.4, 3, 6.2 and 12.6 s after the first try: the heal is in the longest gap. */
const CUT_MS = 8000;
/** Tries of connect(): given up after 1 + 2 + 4 s. */
const SYN_RETRIES = '2';

let lab: Lab;
let daemon: LabDaemon;

beforeEach(() => {
  lab = createLab({ peers: 3 });
  lab.sysctl(lab.target, 'net.ipv4.tcp_syn_retries', SYN_RETRIES);
});

afterEach(async () => {
  await daemon.close();
  lab.close();
});

/** What an application felt of one peer that was gone for a while. */
interface Felt {
  readonly connect: Attempt;
  readonly smallWrite: number | string;
  readonly megabyte: number | string;
}

interface Open {
  readonly peer: LabNamespace;
  readonly small: Delivery;
  readonly large: Delivery;
}

async function openTo(peer: LabNamespace): Promise<Open> {
  const small = await openDelivery(lab.target, peer, { port: 9100 });
  const large = await openDelivery(lab.target, peer, { port: 9200 });
  // TCP waits for an answer by the round trips that it has seen: the first one of a busy machine says little.
  for (let turn = 0; turn < 30; turn++) await Promise.all([small.deliver(1), large.deliver(1)]);
  return { peer, small, large };
}

async function feel({ peer, small, large }: Open): Promise<Felt> {
  const [connect, smallWrite, megabyte] = await Promise.all([
    attemptConnection(lab.target, peer),
    small.deliver(10),
    large.deliver(1 << 20),
  ]);
  return { connect, smallWrite, megabyte };
}

/** The same outcome, and the same time within a tenth. */
function expectAlike(felt: Felt, real: Felt): void {
  expect(felt.connect.outcome).toBe(real.connect.outcome);
  expect(felt.connect.ms / real.connect.ms).toBeGreaterThan(0.9);
  expect(felt.connect.ms / real.connect.ms).toBeLessThan(1.1);
  for (const what of ['smallWrite', 'megabyte'] as const) {
    expect(Number(felt[what]) / Number(real[what])).toBeGreaterThan(0.9);
    expect(Number(felt[what]) / Number(real[what])).toBeLessThan(1.1);
  }
}

const hookChoices = [
  ['netdev', capability('netdev-egress')],
  ['inet', capability('nft-queue')],
] as const;

for (const [hooks, { available, detail }] of hookChoices) {
  const group = available ? describe : describe.skip;
  const why = available ? '' : ` (this kernel cannot: ${detail.split('\n')[0] ?? ''})`;
  group(`a silent partition in the ${hooks} hooks${why}`, () => {
    test('is to TCP a cable that is out', async () => {
      daemon = await startLabDaemon(lab, { hooks });
      const [egress, both, unplugged] = [lab.peer(0), lab.peer(1), lab.peer(2)];
      const open = await Promise.all([egress, both, unplugged].map(openTo));
      const records = [
        await daemon.exec('partition', { direction: 'egress', peers: egress.ipv4 }),
        await daemon.exec('partition', { direction: 'both', peers: both.ipv4 }),
      ];
      lab.plug(unplugged, false);
      const feeling = Promise.all(open.map(feel));
      await pause(CUT_MS);
      for (const record of records) await daemon.cancel(record);
      lab.plug(unplugged, true);
      const [ofEgress, ofBoth, real] = await feeling;
      if (ofEgress === undefined || ofBoth === undefined || real === undefined) throw new Error('three peers');
      expect(real.connect.outcome).toBe('ETIMEDOUT');
      expectAlike(ofEgress, real);
      expectAlike(ofBoth, real);
      for (const { small, large } of open) [small, large].forEach((delivery) => delivery.close());
    });

    test.each([4, 6] as const)('is no error to a UDP sender that asks for errors, over IPv%d', async (family) => {
      daemon = await startLabDaemon(lab, { hooks });
      const peer = lab.peer(0);
      const record = await daemon.exec('partition', { direction: 'egress', peers: addressOf(peer, family) });
      expect(sendErrors(peer, family)).toEqual([]);
      expect((await daemon.observe(record)).evidence?.counters).toMatchObject({ packets_dropped: 20 });
    });

    test("lets a look-up take as long as with the server's cable out", async () => {
      daemon = await startLabDaemon(lab, { hooks });
      const [near, unplugged] = [lab.peer(0), lab.peer(1)];
      // The way to it is known; without its cable, nothing answers.
      await openTo(unplugged).then(({ small, large }) => [small, large].forEach((delivery) => delivery.close()));
      await daemon.exec('partition', { ports: '53', peers: near.ipv4 });
      lab.plug(unplugged, false);
      const ratios: number[] = [];
      const alike = (): boolean => ratios.some((ratio) => ratio > 0.9 && ratio < 1.1);
      // A busy machine makes one of a pair late.
      while (ratios.length < 4 && !alike()) ratios.push((await lookUp(near.ipv4)) / (await lookUp(unplugged.ipv4)));
      expect({ ratios, alike: alike() }).toMatchObject({ alike: true });
    });
  });
}

/** How long the C library looks a name up at that server, in milliseconds; it finds nothing. */
async function lookUp(server: string): Promise<number> {
  // `ip netns exec` lays this over /etc for what it runs.
  const folder = `/etc/netns/${lab.target.name}`;
  const made = mkdirSync(folder, { recursive: true });
  try {
    writeFileSync(join(folder, 'resolv.conf'), `nameserver ${server}\noptions timeout:1 attempts:3\n`);
    const startedAt = performance.now();
    const ended = await run('ip', ['netns', 'exec', lab.target.name, 'getent', 'ahostsv4', 'shop.example']).then(
      () => 'found',
      () => 'not found',
    );
    expect(ended).toBe('not found');
    return performance.now() - startedAt;
  } finally {
    // Another run of the tests may use the folder above.
    rmSync(folder, { recursive: true, force: true });
    if (made === '/etc/netns' && readdirSync(made).length === 0) rmdirSync(made);
  }
}

/** What the sender's kernel answers when it is asked to tell of errors, as glibc's resolver and QUIC ask. */
function sendErrors(peer: LabNamespace, family: 4 | 6): string[] {
  const [level, receiveErrors] = family === 4 ? [0, 11] : [41, 25];
  const fd = udpSocket(lab.target.netns, { address: addressOf(lab.target, family), port: 0 });
  try {
    setSocketOption(fd, level, receiveErrors, 1);
    connect(fd, socketAddress({ address: addressOf(peer, family), port: 9000 }));
    return Array.from({ length: 20 }, () => {
      try {
        send(fd, Buffer.from('x'));
        return [];
      } catch (error) {
        return [String(error)];
      }
    }).flat();
  } finally {
    closeSync(fd);
  }
}

describe('a partition that refuses', () => {
  test.each([
    ['reset', 'ECONNREFUSED'],
    ['unreachable', 'EHOSTUNREACH'],
  ])('with %s is felt at once', async (how, refusal) => {
    daemon = await startLabDaemon(lab);
    const peer = lab.peer(0);
    const { small, large } = await openTo(peer);
    const record = await daemon.exec('partition', { how, peers: peer.ipv4 });
    const { outcome, ms } = await attemptConnection(lab.target, peer, { port: 9100 });
    expect(outcome).toBe(refusal);
    // A silent one is not over before 7 s.
    expect(ms).toBeLessThan(emulated ? 6000 : 3000);
    // To an open connection, only a reset is more than a hint.
    if (how === 'reset') expect(await small.deliver(10)).toBe('ECONNRESET');
    const { evidence } = await daemon.observe(record);
    expect(evidence).toMatchObject({ verdict: 'verified', summary: expect.stringContaining('refused') });
    await daemon.cancel(record);
    [small, large].forEach((delivery) => delivery.close());
    const again = await openTo(peer);
    [again.small, again.large].forEach((delivery) => delivery.close());
  });

  test.each([
    ['reset', 'ECONNREFUSED'],
    ['unreachable', 'EHOSTUNREACH'],
  ])('with %s, both ways, is told to those outside, too', async (how, refusal) => {
    daemon = await startLabDaemon(lab);
    const peer = lab.peer(0);
    lab.sysctl(peer, 'net.ipv4.tcp_syn_retries', SYN_RETRIES);
    const { small, large } = await openTo(peer);
    await daemon.exec('partition', { how, peers: peer.ipv4 });
    const { outcome } = await attemptConnection(peer, lab.target, { port: 9300 });
    expect(outcome).toBe(refusal);
    [small, large].forEach((delivery) => delivery.close());
  });
});
