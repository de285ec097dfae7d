/** Peers with ports and protocols of their own, on a real kernel: only the traffic with that port of that peer is hit. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import {
  addressOf,
  connects,
  createLab,
  distribution,
  sendOneWay,
  type Family,
  type Lab,
  type LabNamespace,
} from '@chaosplane/testkit';
import type { RequestPeer } from '../../src/engine/request.ts';
import { kernelCapabilities, shapersOfKernel, startLabDaemon, type LabDaemon } from '@chaosplane/testkit/lab-daemon';

// Emulated machines are twenty times slower.
jest.setTimeout(180_000);

const capability = await kernelCapabilities();
const FEW = 20;

let lab: Lab;
let daemon: LabDaemon;

beforeEach(() => {
  lab = createLab({ peers: 2 });
});

afterEach(async () => {
  await daemon.close();
  lab.close();
});

const peer = (end: LabNamespace, family: Family, change: Partial<RequestPeer> = {}): RequestPeer => ({
  cidr: addressOf(end, family),
  ports: [],
  protocol: '',
  ...change,
});

async function udp(
  from: LabNamespace,
  to: LabNamespace,
  ports: { port?: number; sourcePort?: number },
  family: Family,
) {
  return (await sendOneWay(from, to, { count: FEW, family, withinMs: 400, ...ports })).received;
}

for (const hooks of ['netdev', 'inet'] as const) {
  const missing = hooks === 'netdev' && !capability('netdev-egress').available;
  const group = missing ? describe.skip : describe;
  group(`a partition in the ${hooks} hooks${missing ? ' (this kernel has no egress hook)' : ''}`, () => {
    beforeEach(async () => {
      daemon = await startLabDaemon(lab, { hooks });
    });

    test.each([4, 6] as const)(
      'of what is sent to UDP port 9000 of a peer over IPv%d is that alone',
      async (family) => {
        const [near, far] = [lab.peer(0), lab.peer(1)];
        const peers = [peer(near, family, { ports: [9000], protocol: 'udp' })];
        const record = await daemon.exec('partition', { direction: 'egress' }, { peers });
        expect(await udp(lab.target, near, { port: 9000 }, family)).toBe(0);
        expect(await udp(lab.target, near, { port: 9001 }, family)).toBe(FEW);
        expect(await udp(lab.target, far, { port: 9000 }, family)).toBe(FEW);
        expect(await udp(lab.target, near, { port: 9000 }, family === 4 ? 6 : 4)).toBe(FEW);
        // The port is the peer's: the pod's own port of that number is another one.
        expect(await udp(lab.target, near, { port: 9001, sourcePort: 9000 }, family)).toBe(FEW);
        expect(await udp(near, lab.target, { port: 9000 }, family)).toBe(FEW);
        expect(await connects(true, lab.target, near, { family })).toBe(true);
        await daemon.cancel(record);
        expect(await udp(lab.target, near, { port: 9000 }, family)).toBe(FEW);
      },
    );

    test.each([4, 6] as const)('of what comes from port 9000 of a peer over IPv%d is that alone', async (family) => {
      const [near, far] = [lab.peer(0), lab.peer(1)];
      const peers = [peer(near, family, { ports: [9000], protocol: 'udp' })];
      await daemon.exec('partition', { direction: 'ingress' }, { peers });
      expect(await udp(near, lab.target, { port: 9001, sourcePort: 9000 }, family)).toBe(0);
      expect(await udp(near, lab.target, { port: 9000, sourcePort: 9001 }, family)).toBe(FEW);
      expect(await udp(far, lab.target, { port: 9001, sourcePort: 9000 }, family)).toBe(FEW);
      expect(await udp(lab.target, near, { port: 9000 }, family)).toBe(FEW);
    });

    test('without a protocol is of both, in both directions; with one and no port, of all its ports', async () => {
      const [near, far] = [lab.peer(0), lab.peer(1)];
      const peers = [peer(near, 4, { ports: [9000, 9002] }), peer(far, 4, { protocol: 'tcp' })];
      await daemon.exec('partition', { direction: 'both' }, { peers });
      expect({
        udp9000: await udp(lab.target, near, { port: 9000 }, 4),
        udp9001: await udp(lab.target, near, { port: 9001 }, 4),
        udp9002: await udp(lab.target, near, { port: 9002 }, 4),
        tcp9000: await connects(false, lab.target, near),
        tcp9001: await connects(true, lab.target, near, { port: 9001 }),
        fromNear: await udp(near, lab.target, { port: 9001, sourcePort: 9002 }, 4),
      }).toEqual({ udp9000: 0, udp9001: FEW, udp9002: 0, tcp9000: false, tcp9001: true, fromNear: 0 });
      expect([await connects(false, lab.target, far), await connects(false, lab.target, far, { port: 9001 })]).toEqual([
        false,
        false,
      ]);
      expect(await udp(lab.target, far, { port: 9000 }, 4)).toBe(FEW);
    });

    test('beside peers without ports hits both, and the ports of the action hold for all of them', async () => {
      const [near, far] = [lab.peer(0), lab.peer(1)];
      const peers = [peer(near, 4, { ports: [9000, 9001], protocol: 'udp' }), peer(far, 4)];
      await daemon.exec('partition', { direction: 'egress', ports: '9001-9002' }, { peers });
      const reached = async (to: LabNamespace) =>
        Promise.all([9000, 9001, 9002].map((port) => udp(lab.target, to, { port }, 4)));
      expect(await reached(near)).toEqual([FEW, 0, FEW]);
      expect(await reached(far)).toEqual([FEW, 0, 0]);
    });

    test('may name networks that lie in one another', async () => {
      const peers = [
        { cidr: '10.77.0.0/16', ports: [9000], protocol: 'udp' },
        { cidr: lab.peer(0).ipv4, ports: [9000], protocol: 'udp' },
        { cidr: lab.peer(0).ipv4, ports: [9000, 9001], protocol: 'udp' },
      ];
      await daemon.exec('partition', { direction: 'egress' }, { peers });
      expect(await udp(lab.target, lab.peer(0), { port: 9000 }, 4)).toBe(0);
      expect(await udp(lab.target, lab.peer(0), { port: 9001 }, 4)).toBe(0);
      expect(await udp(lab.target, lab.peer(1), { port: 9000 }, 4)).toBe(0);
      expect(await udp(lab.target, lab.peer(1), { port: 9001 }, 4)).toBe(FEW);
    });
  });
}

for (const { engine, skipped } of await shapersOfKernel()) {
  const group = skipped === undefined ? describe : describe.skip;
  group(`a delay by ${engine}${skipped === undefined ? '' : ` (${skipped})`}`, () => {
    test.each([4, 6] as const)('of a port of a peer over IPv%d is felt there only', async (family) => {
      daemon = await startLabDaemon(lab, { engine });
      const near = lab.peer(0);
      const medianTo = async (port: number): Promise<number> => {
        const sent = { count: FEW, family, port, burst: 1, everyMs: 3, withinMs: 3000 };
        return distribution((await sendOneWay(lab.target, near, sent)).times).median;
      };
      const usual = await medianTo(9000);
      const peers = [peer(near, family, { ports: [9000], protocol: 'udp' })];
      const record = await daemon.exec('delay', { latency: '200ms' }, { peers });
      expect(await medianTo(9000)).toBeGreaterThanOrEqual(199);
      expect(await medianTo(9001)).toBeLessThan(100 + 10 * usual);
      const { evidence } = await daemon.observe(record);
      expect(evidence).toMatchObject({ engine, verdict: 'verified', counters: { packets_delayed: FEW } });
      await daemon.cancel(record);
      expect(await medianTo(9000)).toBeLessThan(100 + 10 * usual);
    });
  });
}

describe('the peers of an execution that is active', () => {
  beforeEach(async () => {
    daemon = await startLabDaemon(lab);
  });

  test('change in place: the new one is hit, the old one is not, those of the parameters stay, and what was counted stays', async () => {
    const [near, far] = [lab.peer(0), lab.peer(1)];
    const always = addressOf(near, 6);
    const record = await daemon.exec('partition', { direction: 'egress', peers: always }, { peers: [peer(near, 4)] });
    expect(await udp(lab.target, near, {}, 4)).toBe(0);
    const counted = (await daemon.observe(record)).evidence?.counters['packets_dropped'];
    expect(counted).toBeGreaterThanOrEqual(FEW);

    const peers = [peer(far, 4, { ports: [9001], protocol: 'udp' })];
    await daemon.engine.renewLease({ epoch: 0, executions: [{ id: record.id, peers }] });
    expect(await udp(lab.target, near, {}, 4)).toBe(FEW);
    expect(await udp(lab.target, far, { port: 9000 }, 4)).toBe(FEW);
    expect(await udp(lab.target, near, {}, 6)).toBe(0);
    expect(await udp(lab.target, far, { port: 9001 }, 4)).toBe(0);
    const { record: after, evidence } = await daemon.observe(record);
    expect(after.expiresAt).toBe(record.expiresAt);
    expect(evidence?.counters['packets_dropped']).toBeGreaterThanOrEqual((counted ?? 0) + 2 * FEW);
    await daemon.cancel(record);
    expect(await udp(lab.target, far, { port: 9001 }, 4)).toBe(FEW);
  });

  test('are refused when they are none, because that would be every peer, and when they make no sense', async () => {
    const record = await daemon.exec('partition', {}, { peers: [peer(lab.peer(0), 4)] });
    const ask = (peers: RequestPeer[]) =>
      daemon.engine.renewLease({ epoch: 0, executions: [{ id: record.id, peers }] });
    await expect(ask([])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(ask([{ cidr: 'nowhere', ports: [], protocol: '' }])).rejects.toMatchObject({
      problems: [{ path: `executions[${record.id}].peers[0]` }],
    });
    expect(await udp(lab.target, lab.peer(1), {}, 4)).toBe(FEW);
    expect(await udp(lab.target, lab.peer(0), {}, 4)).toBe(0);
  });
});
