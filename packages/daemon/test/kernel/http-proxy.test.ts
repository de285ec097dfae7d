/** The HTTP proxy against a real kernel: what clients and the application see, and what is left. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttp2Server } from 'node:http2';
import { systemClock } from '@chaosplane/common';
import { differences, fingerprint } from '@chaosplane/testbed';
import { createLab, type Lab } from '@chaosplane/testkit';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createProxies, type Proxies } from '../../src/host/proxies/proxies.ts';
import { tcpListener } from '../../src/host/kernel/sockets.ts';
import type { HttpRule } from '../../src/model/proxy-rule.ts';
import { agentIn, ask, quickest, socketTo, startApp, type Asking, type LabApp, type Reply } from './http-lab.ts';
import { emulated, SOON_MS } from '@chaosplane/testkit/lab-daemon';

jest.setTimeout(60_000);
/** What has to be tried often is tried on the machine itself. */
const often = emulated ? test.skip : test;

let lab: Lab;
let engine: Proxies;
let app: LabApp;

beforeEach(async () => {
  lab = createLab({ peers: 1 });
  engine = createProxies(systemClock);
  app = await startApp(lab.target, 8080);
});

afterEach(async () => {
  await engine.close();
  app.close();
  lab.close();
});

const rule = (settings: Partial<HttpRule> = {}): HttpRule => ({
  kind: 'http',
  id: 'l1',
  side: 'server',
  port: 8080,
  level: 'request',
  match: { methods: [], headers: [] },
  percent: 100,
  effect: { kind: 'delay', delayMs: 300 },
  existing: 'keep',
  ...settings,
});
const serve = (...rules: HttpRule[]): Promise<void> =>
  engine.serve(
    lab.target.netns,
    rules.map((one) => ({ rule: one, remainingMs: 60_000 })),
  );
const pod = (): { address: string; port: number } => ({ address: lab.target.ipv4, port: 8080 });
const asked = (asking: Asking = {}): Promise<Reply> => ask(lab.peer(0), pod(), asking);
const abort = { effect: { kind: 'status', status: 503 } } as const;
const paths = (path: string) => ({ match: { path, methods: [], headers: [] } });

describe('a request that arrives at the pod', () => {
  test('is delayed when its path matches, and passes otherwise', async () => {
    await serve(rule(paths('/slow*')));
    const slow = await asked({ path: '/slow/x?y=1' });
    const quick = await quickest(() => asked({ path: '/fast' }));
    expect(slow.status).toBe(200);
    expect(slow.ms - quick.ms).toBeGreaterThan(250);
    expect(engine.counts(lab.target.netns.cookie, 'l1')).toEqual({
      seen: 6,
      matched: 1,
      faulted: 1,
      passed: 0,
      beyond: 0,
    });
  });

  test.each([4, 6] as const)(
    'is seen by the application with its true address and port, over IPv%s',
    async (family) => {
      const to = { address: family === 4 ? lab.target.ipv4 : lab.target.ipv6, port: 8080 };
      await serve(rule(paths('/none')));
      const reply = await ask(lab.peer(0), to);
      const from = family === 4 ? lab.peer(0).ipv4 : lab.peer(0).ipv6;
      expect(app.seen).toEqual([{ path: '/', client: `${from} ${reply.port}` }]);
      expect(engine.counts(lab.target.netns.cookie, 'l1')).toMatchObject({ seen: 1 });
    },
  );

  test('is chosen by method and header', async () => {
    await serve(rule({ ...abort, match: { methods: ['POST'], headers: [{ name: 'x-user', value: 'te*' }] } }));
    const headers = { 'X-User': 'tester' };
    expect((await asked({ method: 'POST', headers, body: 'hello' })).status).toBe(503);
    expect((await asked({ method: 'PUT', headers, body: 'hello' })).status).toBe(200);
    expect((await asked({ method: 'POST', headers: { 'X-User': 'x' }, body: 'hello' })).status).toBe(200);
    expect(app.seen.length).toBe(2);
  });

  test('that is answered in place of the application leaves its connection in use', async () => {
    await serve(rule({ ...abort, ...paths('/bad') }));
    const agent = agentIn(lab.peer(0), pod());
    const replies: Reply[] = [];
    for (const path of ['/good', '/bad', '/good']) {
      replies.push(await asked({ path, agent, method: 'POST', body: 'x'.repeat(5000) }));
    }
    agent.destroy();
    expect(replies.map(({ status }) => status)).toEqual([200, 503, 200]);
    expect(new Set(replies.map(({ port }) => port)).size).toBe(1);
  });

  test('may be reset', async () => {
    await serve(rule({ effect: { kind: 'reset' }, ...paths('/bad') }));
    await expect(asked({ path: '/bad' })).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect((await asked()).status).toBe(200);
    expect(app.seen.map(({ path }) => path)).toEqual(['/']);
  });

  often('is hit in the share that was asked for', async () => {
    await serve(rule({ ...abort, percent: 30 }));
    const agent = agentIn(lab.peer(0), pod());
    let failed = 0;
    // Four points are 4.8 standard deviations of so many.
    const requests = 3000;
    for (let index = 0; index < requests; index += 1) if ((await asked({ agent })).status === 503) failed += 1;
    agent.destroy();
    expect((100 * failed) / requests).toBeGreaterThan(26);
    expect((100 * failed) / requests).toBeLessThan(34);
  });

  test('finds its answers in order when requests are sent without waiting', async () => {
    await serve(rule({ ...abort, ...paths('/b*') }));
    const socket = socketTo(lab.peer(0), pod());
    const one = (path: string, last = false): string =>
      `GET ${path} HTTP/1.1\r\nHost: x\r\n${last ? 'Connection: close\r\n' : ''}\r\n`;
    socket.write(one('/a') + one('/bad') + one('/c') + one('/d', true));
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await once(socket, 'close');
    const order = [...text.matchAll(/HTTP\/1.1 (\d+)|"url":"([^"]+)"/g)].map((match) => match[1] ?? match[2]);
    expect(order).toEqual(['200', '/a', '503', '200', '/c', '200', '/d']);
  });
});

describe('a request that the pod makes', () => {
  test('is hit on its way out, and the other end sees who asks', async () => {
    const remote = await startApp(lab.peer(0), 9090);
    try {
      await serve(rule({ side: 'client', port: 9090, ...abort, ...paths('/bad') }));
      const to = { address: lab.peer(0).ipv4, port: 9090 };
      expect((await ask(lab.target, to, { path: '/bad' })).status).toBe(503);
      expect((await ask(lab.target, to)).status).toBe(200);
      expect(remote.seen).toEqual([{ path: '/', client: expect.stringContaining(lab.target.ipv4) }]);
      const six = { address: lab.peer(0).ipv6, port: 9090 };
      expect((await ask(lab.target, six, { path: '/bad' })).status).toBe(503);
      expect((await asked()).status).toBe(200);
    } finally {
      remote.close();
    }
  });
});

describe('what is no plain HTTP/1', () => {
  test('passes untouched after an upgrade', async () => {
    await serve(rule({ ...abort, ...paths('/bad') }));
    const socket = socketTo(lab.peer(0), pod());
    socket.write('GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    const [head] = (await once(socket, 'data')) as [Buffer];
    expect(head.toString()).toContain('101');
    socket.write('GET /bad HTTP/1.1\r\n\r\n');
    const [echo] = (await once(socket, 'data')) as [Buffer];
    expect(echo.toString()).toBe('GET /bad HTTP/1.1\r\n\r\n');
    socket.destroy();
  });

  test.each([
    ['binary', Buffer.from([0x16, 3, 1, 2, 0, 1])],
    ['HTTP/2', Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')],
    ['a word without an end', Buffer.from('hello')],
    ['a length that is given twice', Buffer.from('GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n')],
    ['lines without CR', Buffer.from('GET / HTTP/1.1\nHost: x\n\n')],
  ])('passes byte for byte: %s', async (_, bytes) => {
    const raw = await import('node:net');
    const echo = raw.createServer((socket) => socket.pipe(socket));
    await new Promise<void>((resolve) =>
      echo.listen({ fd: tcpListener(lab.target.netns, { address: lab.target.ipv4, port: 7000 }) }, resolve),
    );
    await serve(rule({ ...abort, port: 7000 }));
    const socket = socketTo(lab.peer(0), { address: lab.target.ipv4, port: 7000 });
    socket.write(bytes);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer).toEqual(bytes);
    expect(engine.counts(lab.target.netns.cookie, 'l1')).toMatchObject({ faulted: 0, passed: 1 });
    socket.destroy();
    echo.close();
  });

  test('passes also when curl speaks HTTP/2 from the first byte on: a megabyte there and back', async () => {
    const app = createHttp2Server((request, response) => void request.pipe(response));
    await new Promise<void>((resolve) =>
      app.listen({ fd: tcpListener(lab.target.netns, { address: lab.target.ipv4, port: 7000 }) }, resolve),
    );
    await serve(rule({ port: 7000, effect: { kind: 'reset' } }));
    try {
      await expect(ask(lab.peer(0), { ...pod(), port: 7000 })).rejects.toMatchObject({ code: 'ECONNRESET' });
      const sent = randomBytes(1 << 20);
      const curl = ['curl', '--http2-prior-knowledge', '--silent', '--show-error', '--max-time', '40'];
      const [told, body] = ['%{stderr}%{http_version} %{response_code} %{num_connects}', '@-'];
      const argv = [...curl, '--write-out', told, '--data-binary', body, `http://${lab.target.ipv4}:7000/bad`];
      const options = { encoding: 'buffer', maxBuffer: 1 << 22 } as const;
      const { promise, resolve } = Promise.withResolvers<readonly [Buffer, string]>();
      const child = execFile('ip', ['netns', 'exec', lab.peer(0).name, ...argv], options, (_error, stdout, stderr) =>
        resolve([stdout, stderr.toString()]),
      );
      child.stdin?.end(sent);
      const [received, words] = await promise;
      expect(words).toBe('2 200 1');
      expect(received.equals(sent)).toBe(true);
      expect(engine.counts(lab.target.netns.cookie, 'l1')).toMatchObject({ faulted: 1, passed: 1 });
    } finally {
      app.close();
    }
  });
});

describe('connections that are open', () => {
  test('before the fault go on beside it, and those of the fault go on after it', async () => {
    const [old, fresh] = [agentIn(lab.peer(0), pod()), agentIn(lab.peer(0), pod())];
    const before = await asked({ agent: old });
    await serve(rule({ ...abort, ...paths('/bad') }));
    expect(await asked({ agent: old, path: '/bad' })).toMatchObject({ status: 200, port: before.port });
    const during = await asked({ agent: fresh, path: '/bad' });
    expect(during.status).toBe(503);
    await serve();
    expect(await asked({ agent: fresh, path: '/bad' })).toMatchObject({ status: 200, port: during.port });
    expect(await asked({ agent: old, path: '/bad' })).toMatchObject({ status: 200, port: before.port });
    expect(engine.open(lab.target.netns.cookie)).toBe(1);
    fresh.destroy();
    old.destroy();
  });

  test('before the fault are reset when that was asked for', async () => {
    const old = agentIn(lab.peer(0), pod());
    await asked({ agent: old });
    await serve(rule({ existing: 'reset', ...abort, ...paths('/bad') }));
    await expect(asked({ agent: old })).rejects.toMatchObject({ code: 'ECONNRESET' });
    old.destroy();
    const agent = agentIn(lab.peer(0), pod());
    expect((await asked({ agent })).status).toBe(200);
    expect((await asked({ agent, path: '/bad' })).status).toBe(503);
    agent.destroy();
  });
});

describe('when it is over', () => {
  test('the namespace is what it was', async () => {
    const before = await fingerprint(lab.target.path);
    await serve(rule(paths('/slow')), rule({ id: 'l2', side: 'client', port: 81 }));
    await asked();
    expect(differences(before, await fingerprint(lab.target.path))).not.toEqual([]);
    await serve();
    expect(differences(before, await fingerprint(lab.target.path))).toEqual([]);
    expect((await asked()).status).toBe(200);
  });

  test('by its deadline, requests pass without any program doing anything', async () => {
    await engine.serve(lab.target.netns, [{ rule: rule(abort), remainingMs: SOON_MS }]);
    expect((await asked()).status).toBe(503);
    const end = performance.now() + 20_000;
    while ((await asked()).status !== 200) expect(performance.now()).toBeLessThan(end);
  });
});
