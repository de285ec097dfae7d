/** Faults on a pod in which a proxy still serves a connection of a fault that is over: each is felt as if it were alone. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { createLab, eventually, type Lab } from '@chaosplane/testkit';
import { differences, fingerprint } from '@chaosplane/testbed';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { ask as query, startResolver, type LabResolver } from './dns-lab.ts';
import { agentIn, ask, socketTo, startApp, type LabApp } from './http-lab.ts';
import {
  dnsError,
  httpAbort,
  kernelCapabilities,
  shapersOfKernel,
  startLabDaemon,
  type LabDaemon,
} from '@chaosplane/testkit/lab-daemon';
import type { BackendChoice } from '../../src/netns/placement.ts';

jest.setTimeout(180_000);

let lab: Lab;
let daemon: LabDaemon;
let apps: LabApp[];
let resolver: LabResolver;
/** What is done with a connection that a proxy holds, at the end of a test. */
let held: { destroy(): void } | undefined;

beforeEach(async () => {
  lab = createLab({ peers: 1 });
  apps = [await startApp(lab.target, 8080), await startApp(lab.peer(0), 9090)];
  resolver = await startResolver(lab.peer(0), lab.peer(0).ipv4);
  held = undefined;
});

afterEach(async () => {
  held?.destroy();
  await daemon.close();
  for (const app of apps) app.close();
  resolver.close();
  lab.close();
});

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const started = performance.now();
  await work();
  return performance.now() - started;
};

/** A proxy that outlives its fault: how a connection is held through it, and how long something new takes, in round trips. */
interface Lingering {
  readonly of: string;
  begin(): Promise<() => Promise<unknown>>;
  readonly fresh: { readonly roundTrips: number; ask(): Promise<unknown> };
}

const lingerings: readonly Lingering[] = [
  ...(['server', 'client'] as const).map((side): Lingering => {
    const ends = () =>
      side === 'server'
        ? { from: lab.peer(0), to: { address: lab.target.ipv4, port: 8080 } }
        : { from: lab.target, to: { address: lab.peer(0).ipv4, port: 9090 } };
    return {
      of: `requests ${side === 'server' ? 'to' : 'of'} the pod`,
      async begin() {
        const { from, to } = ends();
        const agent = (held = agentIn(from, to));
        const parameters = { port: String(to.port), path: '/bad', statusCode: '503', side };
        const record = await daemon.execProxied(httpAbort, parameters);
        const again = () => ask(from, to, { agent });
        await again();
        await daemon.cancel(record);
        return again;
      },
      // One to connect, one to ask.
      fresh: { roundTrips: 2, ask: () => ask(ends().from, ends().to) },
    };
  }),
  {
    of: 'queries of the pod',
    async begin() {
      const record = await daemon.execProxied(dnsError, { domains: 'bad.org' });
      const socket = (held = socketTo(lab.target, { address: resolver.address, port: 53 }));
      socket.on('error', () => undefined);
      await askOn(socket);
      await daemon.cancel(record);
      return () => askOn(socket);
    },
    fresh: { roundTrips: 1, ask: () => query(lab.target, resolver.address, 'good.org') },
  },
];

/** One query on a stream. */
async function askOn(socket: Socket): Promise<unknown> {
  const message = Buffer.from('001d0007010000010000000000000474657374036f72670000010001', 'hex');
  message.writeUInt16BE(message.length - 2);
  const answered = once(socket, 'data');
  socket.write(message);
  return answered;
}

const start = (engine: BackendChoice): Promise<LabDaemon> =>
  startLabDaemon(lab, { engine }, { dns: { servers: [resolver.address], searches: [], ndots: 1 } });

const [LATENCY_MS, TRIES] = [100, 6];

for (const { engine, skipped } of await shapersOfKernel()) {
  const group = skipped === undefined ? describe : describe.skip;
  group(`a delay by ${engine}${skipped === undefined ? '' : ` (${skipped})`}`, () => {
    test.each(lingerings)('is no longer beside a proxy for $of', async ({ begin, fresh }) => {
      daemon = await start(engine);
      // What is not the network, on this machine at this moment.
      const bare = Math.max(await timed(fresh.ask), await timed(fresh.ask));
      const again = await begin();
      for (const [direction, ways] of [
        ['egress', 1],
        ['ingress', 1],
        ['both', 2],
      ] as const) {
        const record = await daemon.exec('delay', { latency: `${LATENCY_MS}ms`, direction });
        for (const [asked, roundTrips] of [
          [fresh.ask, fresh.roundTrips],
          [again, 1],
        ] as const) {
          const wanted = roundTrips * ways * LATENCY_MS;
          const most = 1.1 * wanted + 2 * bare;
          const times = [await timed(asked)];
          // A busy machine makes some late; a fault that is wrong makes all so.
          while (times.length < TRIES && Math.min(...times) > most) times.push(await timed(asked));
          expect(Math.min(...times)).toBeGreaterThanOrEqual(wanted - 1);
          expect(Math.min(...times)).toBeLessThanOrEqual(most);
        }
        await daemon.cancel(record);
      }
    });
  });
}

const capability = await kernelCapabilities();

describe('beside a proxy for requests to the pod', () => {
  const [toPod] = lingerings as readonly [Lingering];
  const pod = () => ({ address: lab.target.ipv4, port: 8080 });
  const linger = async (): Promise<() => Promise<unknown>> => {
    daemon = await start('auto');
    return toPod.begin();
  };

  test('a partition lets nothing pass, and is over when it is over', async () => {
    const before = await fingerprint(lab.target.path);
    const again = await linger();
    const record = await daemon.exec('partition', { direction: 'both' });
    await expect(ask(lab.peer(0), pod(), { withinMs: 300 })).rejects.toThrow('no answer');
    await daemon.cancel(record);
    await toPod.fresh.ask();
    await again();
    held?.destroy();
    // The proxy lets go once its last connection has ended.
    await eventually(
      'nothing is left',
      async () => differences(before, await fingerprint(lab.target.path)).length === 0,
      { withinMs: 10_000 },
    );
  });

  const corrupts = (['sch-netem', 'nfqueue'] as const).some((name) => capability(name).available);
  const copies = (['netdev-egress', 'ifb'] as const).every((name) => capability(name).available);
  const chances = [
    ['loss', true, 'packets_dropped'],
    ['corrupt', corrupts, 'packets_corrupted'],
    ['duplicate', copies, 'packets_duplicated'],
  ] as const;
  for (const [action, able, counter] of chances)
    (able ? test : test.skip)(`a ${action} of every packet hits each once, and is over when it is over`, async () => {
      const again = await linger();
      const record = await daemon.exec(action, { percent: '100', direction: 'both' });
      const asked = ask(lab.peer(0), pod(), { withinMs: 300 });
      if (action === 'duplicate') await asked;
      else await expect(asked).rejects.toThrow('no answer');
      const { packets_matched: matched, [counter]: hit } = (await daemon.observe(record)).evidence?.counters ?? {};
      expect(matched).toBeGreaterThan(0);
      expect(hit).toBe(matched);
      await daemon.cancel(record);
      await toPod.fresh.ask();
      await again();
    });

  const limits = capability('sch-htb').available && capability('sch-tbf').available;
  (limits ? test : test.skip)('a bandwidth is what it is alone', async () => {
    const echo = () =>
      timed(() => ask(lab.peer(0), pod(), { path: '/echo', method: 'POST', body: 'x'.repeat(50_000) }));
    const limited = async (): Promise<number> => {
      const record = await daemon.exec('bandwidth', { rate: '1mbit', direction: 'egress' });
      const ms = await echo();
      await daemon.cancel(record);
      return ms;
    };
    daemon = await start('auto');
    const alone = await limited();
    await toPod.begin();
    const beside = await limited();
    expect(beside).toBeGreaterThan(0.85 * alone);
    expect(beside).toBeLessThan(1.15 * alone);
  });
});

describe('connections that are open before', () => {
  test.each([
    ['an HTTP fault on requests to the pod', 'server'],
    ['an HTTP fault on requests of the pod', 'client'],
  ] as const)('%s are counted and named, those through a proxy are not', async (_name, side) => {
    daemon = await start('auto');
    const [from, to] =
      side === 'server'
        ? [lab.peer(0), { address: lab.target.ipv4, port: 8080 }]
        : [lab.target, { address: lab.peer(0).ipv4, port: 9090 }];
    const [old, proxied] = [agentIn(from, to), agentIn(from, to)];
    held = { destroy: () => [old, proxied].forEach((agent) => agent.destroy()) };
    const { port } = await ask(from, to, { agent: old });
    const far = side === 'server' ? `${from.ipv4}:${port}` : `${to.address}:${to.port}`;
    const parameters = { port: String(to.port), path: '/bad', statusCode: '503', side };
    const alone = `1 connection was open before and left alone: ${far}; existingConnections: reset ends them`;
    const first = await daemon.execProxied(httpAbort, parameters);
    expect(first.notes).toEqual([alone]);
    expect((await ask(from, to, { agent: old, path: '/bad' })).status).toBe(200);
    expect((await ask(from, to, { agent: proxied, path: '/bad' })).status).toBe(503);
    const { evidence } = await daemon.observe(first);
    expect(evidence?.counters).toMatchObject({ connections_open_before: 1, requests_faulted: 1 });
    expect(evidence?.summary).toMatch(/; 1 connection open before is left alone$/);
    // What passes through the proxy by now is hit by the next fault as well.
    const second = await daemon.execProxied(httpAbort, { ...parameters, path: '/worse' });
    expect(second.notes).toEqual([alone]);
    await daemon.cancel(first);
    await daemon.cancel(second);
  });

  test('a DNS fault are counted and named', async () => {
    daemon = await start('auto');
    const socket = (held = socketTo(lab.target, { address: resolver.address, port: 53 }));
    socket.on('error', () => undefined);
    await askOn(socket);
    const record = await daemon.execProxied(dnsError, { domains: 'bad.org' });
    expect(record.notes).toEqual([`1 connection was open before and left alone: ${resolver.address}:53`]);
    await daemon.cancel(record);
  });
});
