/** The HTTP proxy under load: a body that is larger than memory should hold, and thousands of connections of one client. */
import { createServer, type Socket } from 'node:net';
import { systemClock } from '@chaosplane/common';
import { createLab, eventually, type Lab } from '@chaosplane/testkit';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { MOST_OPEN } from '../../src/proxy/limits.ts';
import { tcpListener } from '../../src/host/kernel/sockets.ts';
import { createProxies, type Proxies } from '../../src/host/proxies/proxies.ts';
import { ask, socketTo, startApp } from './http-lab.ts';

jest.setTimeout(300_000);

let lab: Lab;
let engine: Proxies;

beforeEach(async () => {
  lab = createLab({ peers: 1 });
  engine = createProxies(systemClock);
  const rule = {
    kind: 'http',
    id: 'l1',
    side: 'server',
    port: 8080,
    level: 'request',
    match: { path: '/none', methods: [], headers: [] },
    percent: 100,
    effect: { kind: 'reset' },
    existing: 'keep',
  } as const;
  await engine.serve(lab.target.netns, [{ rule, remainingMs: 600_000 }]);
});

afterEach(async () => {
  await engine.close();
  lab.close();
});

const pod = (): { address: string; port: number } => ({ address: lab.target.ipv4, port: 8080 });

test('a gigabyte in chunks passes whole, and no memory is kept for it', async () => {
  const [chunkBytes, chunks] = [1 << 16, 1 << 14];
  const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(chunkBytes, 'x'), Buffer.from('\r\n')]);
  const open = new Set<Socket>();
  const app = createServer((socket) => {
    open.add(socket);
    let left = chunks;
    const send = (): void => {
      while (left > 0) {
        left -= 1;
        if (!socket.write(chunk)) return void socket.once('drain', send);
      }
      socket.end('0\r\n\r\n');
    };
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      send();
    });
  });
  await new Promise<void>((resolve) => app.listen({ fd: tcpListener(lab.target.netns, pod()) }, resolve));
  const client = socketTo(lab.peer(0), pod());
  client.write('GET /big HTTP/1.1\r\nHost: x\r\n\r\n');
  let [received, parts, most] = [0, 0, 0];
  const before = process.memoryUsage().rss;
  client.on('data', (part: Buffer) => {
    received += part.length;
    parts += 1;
    if (parts % 100 === 0) most = Math.max(most, process.memoryUsage().rss - before);
  });
  await new Promise((resolve) => client.once('end', resolve));
  expect(received).toBeGreaterThan(chunks * chunkBytes);
  expect(most).toBeLessThan(256 << 20);
  expect(engine.counts(lab.target.netns.cookie, 'l1')).toMatchObject({ seen: 1, passed: 0 });
  client.destroy();
  for (const socket of open) socket.destroy();
  app.close();
});

test('of two thousand held connections and ten thousand new ones of one client, none fails; so many go through the proxy', async () => {
  const app = await startApp(lab.target, 8080);
  const held: Socket[] = [];
  let echoes = 0;
  const opened = async (): Promise<void> => {
    const socket = socketTo(lab.peer(0), pod());
    held.push(socket);
    socket.write('GET /held HTTP/1.1\r\nHost: x\r\n\r\n');
    await new Promise((resolve, reject) => {
      socket.once('data', resolve);
      socket.once('error', reject);
    });
  };
  for (let round = 0; round < 40; round += 1) await Promise.all(Array.from({ length: 50 }, opened));
  // Of the fifty that come at once, some are on their way when the redirect goes.
  const open = engine.open(lab.target.netns.cookie);
  expect(open).toBeGreaterThanOrEqual(MOST_OPEN.namespace);
  expect(open).toBeLessThan(MOST_OPEN.namespace + 50);
  expect(engine.counts(lab.target.netns.cookie, 'l1')).toMatchObject({ seen: open, beyond: 2000 - open });
  for (let round = 0; round < 200; round += 1) {
    const replies = await Promise.all(Array.from({ length: 50 }, () => ask(lab.peer(0), pod(), { withinMs: 60_000 })));
    expect(replies.every(({ status }) => status === 200)).toBe(true);
  }
  for (const socket of held) {
    socket.once('data', () => (echoes += 1));
    socket.write('GET /again HTTP/1.1\r\nHost: x\r\n\r\n');
  }
  const end = performance.now() + 60_000;
  while (echoes < held.length) {
    expect(performance.now()).toBeLessThan(end);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  for (const socket of held) socket.destroy();
  await eventually('the proxy has no connection', () => engine.open(lab.target.netns.cookie) === 0, {
    withinMs: 30_000,
  });
  const seen = engine.counts(lab.target.netns.cookie, 'l1')?.seen ?? 0;
  // From the next sign of life on.
  await eventually(
    'requests go through the proxy again',
    async () => {
      await ask(lab.peer(0), pod());
      return engine.counts(lab.target.netns.cookie, 'l1')?.seen === seen + 1;
    },
    { withinMs: 30_000 },
  );
  app.close();
});
