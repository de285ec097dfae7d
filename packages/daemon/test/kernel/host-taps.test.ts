/** The user-space backend behind TAP devices: what it holds, how it shares, and what is left when its process is killed. */
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { systemClock } from '@chaosplane/common';
import { fingerprint } from '@chaosplane/testbed';
import {
  bulk,
  createLab,
  distribution,
  eventually,
  ip,
  sendOneWay,
  type Lab,
  type LabNamespace,
} from '@chaosplane/testkit';
import { connect, offer } from '../../src/host/kernel/ffi.ts';
import type { Host } from '../../src/contract/host.ts';
import { createHost } from '../../src/host/real-host.ts';
import { socketAddress, udpSocket } from '../../src/host/kernel/sockets.ts';
import { MOST_HELD_BYTES } from '../../src/host/tap/served-tap.ts';
import type { Effect, Layer } from '../../src/model/layer.ts';
import { markOf } from '../../src/netns/names.ts';
import { Namespace, type InstalledLayer } from '../../src/netns/namespace.ts';
import { kernelCapabilities } from '@chaosplane/testkit/lab-daemon';

jest.setTimeout(60_000);

const capability = await kernelCapabilities();
const possible = capability('tun').available && capability('netdev-egress').available;
const group = possible ? describe : describe.skip;

let lab: Lab;
let host: Host;

beforeEach(async () => {
  lab = createLab({ peers: 10 });
  host = await createHost({ nodeName: 'node' });
});

afterEach(async () => {
  await host.close();
  lab.close();
});

const delay = (latencyMs: number): Effect => ({ kind: 'delay', latencyMs, jitterMs: 0, correlationPercent: 0 });

function layerOf(
  effect: Effect,
  directions: Layer['scope']['directions'] = ['egress'],
): Omit<InstalledLayer, 'deadline'> {
  const layer: Layer = { id: 'l1', scope: { directions, peers: [], ports: [], interfaces: ['eth0'] }, effect };
  return { layer, engine: 'tap', hooks: 'inet', mark: markOf(0) };
}

async function install(
  at: LabNamespace,
  effect: Effect,
  directions?: Layer['scope']['directions'],
): Promise<Namespace> {
  const namespace = new Namespace(host.openNetns(at.path), systemClock, { fresh: true });
  await namespace.install({ ...layerOf(effect, directions), deadline: systemClock.now() + 60_000 });
  return namespace;
}

group('packets behind a TAP device', () => {
  test('of ten pods at once have their turns alike', async () => {
    const pods = Array.from({ length: 10 }, (_, index) => lab.peer(index));
    for (const pod of pods) lab.sysctl(pod, 'net.ipv4.tcp_wmem', '4096 16384 1000000');
    const namespaces = await Promise.all(pods.map((pod) => install(pod, delay(50))));
    const bulks = await Promise.all(
      pods.map((pod, index) => bulk(pod, lab.target, { port: 9000 + index, forMs: 4000 })),
    );
    const { least, most, median } = distribution(bulks.map(({ megabits }) => megabits));
    expect(least).toBeGreaterThan(0.8 * median);
    expect(most).toBeLessThan(1.2 * median);
    for (const namespace of namespaces) {
      await namespace.remove('l1');
      await namespace.close();
    }
  });

  test('wait with any mark of their socket', async () => {
    const namespace = await install(lab.target, delay(100));
    const { ipv4, netns } = lab.target;
    const receiver = createSocket('udp4');
    receiver.bind({ fd: udpSocket(lab.peer(0).netns, { address: lab.peer(0).ipv4, port: 9000 }) });
    // All bits that are ours, in every combination that the hook could take for its own.
    for (const mark of [0x0800_0000, 0x0801_0000, 0x0c01_0000, 0x7fff_ffff]) {
      const fd = udpSocket(netns, { address: ipv4, port: 0, mark });
      connect(fd, socketAddress({ address: lab.peer(0).ipv4, port: 9000 }));
      const arrived = once(receiver, 'message');
      const sentAt = performance.now();
      expect(offer(fd, Buffer.from('word'))).toBeUndefined();
      await arrived;
      expect(performance.now() - sentAt).toBeGreaterThan(99);
      closeSync(fd);
    }
    receiver.close();
    expect([...(await namespace.netns.tapStatistics()).values()]).toMatchObject([{ packets: 4, lost: 0, refused: 0 }]);
    await namespace.remove('l1');
    await namespace.close();
  });

  test('that cannot leave again are no delay that was observed', async () => {
    const namespace = await install(lab.target, delay(300));
    await sendOneWay(lab.target, lab.peer(0), { count: 5, withinMs: 0 });
    // The hook has seen them, and what waits finds no device to leave by.
    ip('-n', lab.target.name, 'link', 'set', 'eth0', 'down');
    await eventually(
      'five packets are refused',
      async () => [...(await namespace.netns.tapStatistics()).values()][0]?.refused === 5,
      { withinMs: 10_000 },
    );
    const counts = await namespace.counts('l1');
    expect(counts?.shaped).toMatchObject({ packets: 0, held: 0, drops: 0, refused: 5 });
    await namespace.remove('l1');
    await namespace.close();
  });

  test('are held up to 64 MiB in a pod; what comes on top is lost and counted', async () => {
    const namespace = await install(lab.target, delay(60_000));
    const fd = udpSocket(lab.target.netns, { address: lab.target.ipv4, port: 0 });
    connect(fd, socketAddress({ address: lab.peer(0).ipv4, port: 9000 }));
    const datagram = Buffer.alloc(60_000);
    const counts = async () => [...(await namespace.netns.tapStatistics()).values()][0];
    const fragments = Math.ceil(datagram.length / 1480);
    for (let sent = 0; ((await counts())?.lost ?? 0) === 0;) {
      for (const end = sent + 5; sent < end; sent++) offer(fd, datagram);
      // What the thread has not read yet could be lost between the kernel and it.
      while (((await counts())?.packets ?? 0) < sent * fragments);
    }
    const { heldBytes = 0, lost = 0 } = (await counts()) ?? {};
    expect(heldBytes).toBeLessThanOrEqual(MOST_HELD_BYTES);
    // Each frame of 1.5 kB counts with what it takes beside.
    expect(heldBytes).toBeGreaterThan(0.7 * MOST_HELD_BYTES);
    expect((await namespace.counts('l1'))?.shaped?.drops).toBeGreaterThanOrEqual(lost);
    await namespace.remove('l1');
    await namespace.close();
  });

  test('leave nothing behind, however often the fault comes and goes', async () => {
    const print = (): Promise<string> => fingerprint(lab.target.path);
    const before = await print();
    for (let turn = 0; turn < 5; turn++) {
      const namespace = await install(lab.target, delay(20));
      expect(distribution((await sendOneWay(lab.target, lab.peer(0), { count: 10 })).times).least).toBeGreaterThan(19);
      await namespace.remove('l1');
      await namespace.close();
    }
    expect(await print()).toBe(before);
  });

  test('pass at once when the process is killed, and none is lost but those that it held', async () => {
    const latencyMs = 200;
    const { name, path, ipv4, ipv6 } = lab.target;
    const script = join(import.meta.dirname, 'tap-daemon.main.ts');
    const child = spawn(process.execPath, [script, name, path, ipv4, ipv6, `${latencyMs}ms`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const [count, withinMs] = [1000, 1000];
    const startedAt = performance.now();
    const sending = sendOneWay(lab.target, lab.peer(0), { count, burst: 1, everyMs: 1, withinMs }).then((result) => ({
      ...result,
      // The held ones never arrive, so stragglers were waited for to the end.
      msEach: (performance.now() - startedAt - withinMs) / count,
    }));
    await pause(700);
    const killedAt = performance.now();
    child.kill('SIGKILL');
    await once(child, 'exit');
    // The kernel closes the files of a process when the last of its threads has had its turn.
    const dyingMs = performance.now() - killedAt;
    const { missing, times, msEach, sendErrors } = await sending;
    expect(sendErrors).toBe(0);
    // In one row, and no more than what was sent in the time of the delay, and until the process was gone.
    expect((missing.at(-1) ?? 0) - (missing[0] ?? 0)).toBe(missing.length - 1);
    expect(missing.length * msEach).toBeLessThan(1.3 * latencyMs + dyingMs + 20);
    // Before: all late. Afterwards: all prompt.
    expect(times.filter((ms) => ms >= latencyMs - 1).length).toBeGreaterThan(50);
    expect(times.filter((ms) => ms < latencyMs / 4).length).toBeGreaterThan(50);
    const { received } = await sendOneWay(lab.target, lab.peer(0), { count: 20 });
    expect(received).toBe(20);
  });

  test.each([
    ['removed', 'del'],
    ['set down', 'set'],
  ])('of a device that another program has %s pass, and no other pod feels it', async (_what, verb) => {
    const [broken, other] = [lab.target, lab.peer(1)];
    const namespaces = [await install(broken, delay(100)), await install(other, delay(100))];
    // The thread serves a queue as well.
    await namespaces[1]?.netns.serveQueue(7, { mask: 1, layers: [] });
    const least = async (from: LabNamespace): Promise<number> => {
      const { times, received } = await sendOneWay(from, lab.peer(0), { count: 10, burst: 1 });
      return received === 10 ? distribution(times).least : Number.NaN;
    };
    const device = [...((await namespaces[0]?.netns.tapStatistics()) ?? new Map()).keys()].join();
    ip('-n', broken.name, 'link', verb, device, ...(verb === 'set' ? ['down'] : []));
    expect(await least(other)).toBeGreaterThan(99);
    // At the next sign of life the rule goes, and packets pass.
    await eventually('the queue delays no more', async () => (await least(broken)) < 50, { withinMs: 20_000 });
    expect(await least(other)).toBeGreaterThan(99);
    const [first] = namespaces;
    await first?.renew([{ ...layerOf(delay(100)), deadline: systemClock.now() + 60_000 }]);
    expect(await least(broken)).toBeGreaterThan(99);
    for (const namespace of namespaces) {
      await namespace.remove('l1');
      await namespace.close();
    }
  });

  test('and in the queue are all let go when the daemon ends', async () => {
    const namespace = await install(lab.target, delay(60_000), ['egress', 'ingress']);
    const sending = sendOneWay(lab.peer(0), lab.target, { count: 60, withinMs: 3000 });
    await eventually(
      'the queue has handled all packets',
      async () => (await namespace.netns.queueStatistics()).handled.get(markOf(0)) === 60,
      { withinMs: 20_000 },
    );
    await namespace.close();
    expect((await sending).received).toBe(60);
  });
});
