/** Who may command a daemon over TCP: real certificates, real connections, and a token review that is really asked for. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import * as http2 from 'node:http2';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLogger } from '@chaosplane/common';
import { createChannel, createClient, Metadata, Status } from 'nice-grpc';
import { HealthDefinition } from 'nice-grpc-server-health';
import { startDaemon } from '../../src/index.ts';
import { startApiServer, type ApiServer } from './api-server.ts';
import { createAuthority, createIdentity, type Identity } from './certificates.ts';
import {
  ACCOUNT,
  newFolder,
  OPERATOR,
  startTcpDaemon,
  statusOf,
  statusOfCall,
  type TcpDaemon,
} from './identity-lab.ts';

/** grpc.health.v1.HealthCheckResponse.ServingStatus. */
const SERVING = 1;

const stack = new AsyncDisposableStack();
let folder: string;
let authority: Identity;
let operator: Identity;
let api: ApiServer;
let daemon: TcpDaemon;
let good: string;

const refusals = async (reason: string): Promise<number> => {
  const line = new RegExp(`^chaosplane_daemon_refused_total\\{reason="${reason}"\\} (\\d+)$`, 'm');
  return Number(line.exec(await daemon.metrics())?.[1] ?? 0);
};

const port = (): number => Number(daemon.daemon.addresses.grpc?.split(':').at(-1));

async function pemOf(ca: Identity, own: Identity) {
  const [authorities, cert, key] = await Promise.all(
    [ca.certificate, own.certificate, own.key].map((at) => readFile(at)),
  );
  return { ca: authorities, cert, key };
}

beforeAll(async () => {
  folder = await newFolder(stack);
  authority = await createAuthority(folder, 'authority');
  operator = await createIdentity(folder, 'operator', authority, { dns: OPERATOR, usage: 'clientAuth' });
  const server = await createIdentity(folder, 'server', authority, { usage: 'serverAuth' });
  api = await startApiServer(folder, server, authority);
  stack.defer(() => api.close());
  daemon = await startTcpDaemon(folder, {
    tls: { certificate: server.certificate, key: server.key, clientCa: authority.certificate },
    tokenReview: { serviceAccount: ACCOUNT, apiServer: api.url, credentials: api.credentials },
  });
  stack.defer(() => daemon.stop());
  good = api.issue({ username: ACCOUNT });
}, 120_000);

afterAll(() => stack.disposeAsync(), 30_000);

describe('the certificate', () => {
  test('of the operator, together with its token, is served', async () => {
    expect(await daemon.call(authority, operator, good)).toBe('OK');
  });

  test('that is missing, of a stranger, or for servers only ends the handshake', async () => {
    const stranger = await createIdentity(folder, 'stranger', await createAuthority(folder, 'other'), {
      dns: OPERATOR,
      usage: 'clientAuth',
    });
    const impostor = await createIdentity(folder, 'impostor', authority, { dns: OPERATOR, usage: 'serverAuth' });
    expect(await daemon.call(authority, undefined, good)).toBe('UNAVAILABLE');
    expect(await daemon.call(authority, stranger, good)).toBe('UNAVAILABLE');
    expect(await daemon.call(authority, impostor, good)).toBe('UNAVAILABLE');
    const plain = createChannel(`localhost:${daemon.daemon.addresses.grpc?.split(':').at(-1)}`);
    expect(await statusOf(plain, good)).toBe('UNAVAILABLE');
    plain.close();
  }, 120_000);

  test.each([
    ['of another client', { dns: 'somebody.chaos.svc', usage: 'clientAuth' }, 'certificate-name'],
    ['of a wildcard', { dns: '*.chaos.svc', usage: 'clientAuth' }, 'certificate-name'],
    ['that says nothing of clients', { dns: OPERATOR }, 'certificate-usage'],
  ] as const)('%s is refused, logged once and counted', async (name, names, reason) => {
    const other = await createIdentity(folder, name.replaceAll(' ', '-'), authority, names);
    const [lines, count] = [daemon.log.length, await refusals(reason)];
    expect(await daemon.call(authority, other, good)).toBe('PERMISSION_DENIED');
    expect(daemon.log.slice(lines)).toEqual([
      {
        level: 'warn',
        rpc: 'ListExecutions',
        peer: expect.stringMatching(/^127\.0\.0\.1:/),
        code: 'PERMISSION_DENIED',
        reason,
        msg: 'call refused',
      },
    ]);
    expect(await refusals(reason)).toBe(count + 1);
  });
});

describe('the token', () => {
  test.each([
    ['that is missing', () => undefined, 'UNAUTHENTICATED', 'token-missing'],
    ['that no authority made out', () => 'a.b.c', 'UNAUTHENTICATED', 'token-invalid'],
    [
      'for the API server',
      () => api.issue({ username: ACCOUNT, audience: 'kubernetes' }),
      'UNAUTHENTICATED',
      'token-invalid',
    ],
    [
      'that is over',
      () => api.issue({ username: ACCOUNT, expiresAt: Date.now() - 1000 }),
      'UNAUTHENTICATED',
      'token-invalid',
    ],
    [
      'of another account',
      () => api.issue({ username: 'system:serviceaccount:chaos:default' }),
      'PERMISSION_DENIED',
      'token-account',
    ],
  ] as [string, () => string | undefined, string, string][])(
    '%s is refused, logged once and counted',
    async (_name, token, status, reason) => {
      const [lines, count] = [daemon.log.length, await refusals(reason)];
      expect(await daemon.call(authority, operator, token())).toBe(status);
      expect(daemon.log.slice(lines)).toMatchObject([
        { rpc: 'ListExecutions', peer: expect.stringMatching(/^127\.0\.0\.1:/), code: status, msg: 'call refused' },
      ]);
      expect(await refusals(reason)).toBe(count + 1);
    },
  );

  test('never stands in the log', async () => {
    expect(await daemon.call(authority, operator, 'secret.token.text')).toBe('UNAUTHENTICATED');
    expect(JSON.stringify(daemon.log)).not.toContain('secret.token.text');
  });

  test('is asked for in every call, streams as well', async () => {
    const channel = await daemon.connect(authority, operator);
    const watch = statusOfCall(
      async (client) => {
        for await (const _event of client.watchExecutions({})) throw new Error('it was let in');
      },
      channel,
      undefined,
    );
    expect(await watch).toBe('UNAUTHENTICATED');
    expect(await statusOfCall((client) => client.cancelChaos({ executionId: 'x' }), channel)).toBe('UNAUTHENTICATED');
    expect(await statusOfCall((client) => client.renewLease({ operatorEpoch: 9n }), channel)).toBe('UNAUTHENTICATED');
    channel.close();
  });

  test('is asked for in calls of the health service as well', async () => {
    const channel = await daemon.connect(authority, operator);
    const health = createClient(HealthDefinition, channel);
    await expect(health.check({ service: '' })).rejects.toMatchObject({ code: Status.UNAUTHENTICATED });
    const metadata = Metadata({ authorization: `Bearer ${good}` });
    expect((await health.check({ service: '' }, { metadata })).status).toBe(SERVING);
    channel.close();
  });

  test('is not needed on the socket, which only root can enter', async () => {
    const channel = createChannel(`unix://${daemon.daemon.socketPath}`);
    expect(await statusOf(channel)).toBe('OK');
    channel.close();
  });

  test('is reviewed once a minute, not for every call', async () => {
    const [token, before] = [api.issue({ username: ACCOUNT }), api.reviews];
    const channel = await daemon.connect(authority, operator);
    const many = await Promise.all(Array.from({ length: 20 }, () => statusOf(channel, token)));
    expect(new Set(many)).toEqual(new Set(['OK']));
    expect(api.reviews).toBe(before + 1);
    daemon.pass(61_000);
    expect(await statusOf(channel, token)).toBe('OK');
    expect(api.reviews).toBe(before + 2);
    channel.close();
  });

  test('that was revoked is refused after a minute', async () => {
    const token = api.issue({ username: ACCOUNT });
    expect(await daemon.call(authority, operator, token)).toBe('OK');
    api.revoke(token);
    daemon.pass(61_000);
    expect(await daemon.call(authority, operator, token)).toBe('UNAUTHENTICATED');
  });
});

describe('a connection', () => {
  /** From which ports the refused calls since then came. */
  const refusedFrom = (since: number): unknown[] =>
    daemon.log.slice(since).flatMap(({ msg, peer }) => (msg === 'call refused' ? [peer] : []));

  test('whose first call is refused ends; the next call comes on another, and is told why, too', async () => {
    const since = daemon.log.length;
    const channel = await daemon.connect(authority, operator);
    for (let calls = 0; calls < 5; calls += 1) expect(await statusOf(channel, 'a.b.c')).toBe('UNAUTHENTICATED');
    expect(new Set(refusedFrom(since)).size).toBe(5);
    channel.close();
  });

  test('that is known stays when its next calls bring bad tokens', async () => {
    const since = daemon.log.length;
    const channel = await daemon.connect(authority, operator);
    expect(await statusOf(channel, good)).toBe('OK');
    for (let calls = 0; calls < 5; calls += 1) expect(await statusOf(channel, 'a.b.c')).toBe('UNAUTHENTICATED');
    expect(await statusOf(channel, good)).toBe('OK');
    expect(refusedFrom(since)).toHaveLength(5);
    expect(new Set(refusedFrom(since)).size).toBe(1);
    channel.close();
  });

  test('that brings many tokens at once has the API server asked for one of them, and is told of once', async () => {
    const [reviews, since] = [api.reviews, daemon.log.length];
    const channel = await daemon.connect(authority, operator);
    const tokens = Array.from({ length: 20 }, (_, index) => `a.${index}.c`);
    const all = await Promise.all(tokens.map((token) => statusOf(channel, token)));
    expect(new Set(all)).toEqual(new Set(['UNAUTHENTICATED']));
    // Calls that came when the goodbye was out are made again by the client, on another connection.
    const connections = new Set(refusedFrom(since)).size;
    expect(connections).toBeLessThan(tokens.length / 2);
    expect(refusedFrom(since)).toHaveLength(connections);
    expect(api.reviews).toBe(reviews + connections);
    channel.close();
  });

  test.each([
    ['calls of the health service', '/grpc.health.v1.Health/Check', 'application/grpc'],
    ['calls of a service that is not there', '/none.None/None', 'application/grpc'],
    ['requests that are no gRPC', '/', 'text/plain'],
  ])('that brings nothing but %s ends', async (_what, path, type) => {
    const session = http2.connect(`https://localhost:${port()}`, await pemOf(authority, operator));
    session.on('error', () => undefined);
    const over = once(session, 'close');
    let [asked, answered] = [0, 0];
    const asking = setInterval(() => {
      if (session.closed || session.destroyed) return;
      asked += 1;
      const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': type, te: 'trailers' });
      stream.on('error', () => undefined);
      stream.once('response', () => (answered += 1));
    }, 1);
    await over;
    clearInterval(asking);
    expect(answered).toBeGreaterThan(0);
    expect(asked).toBeLessThan(300);
  });

  test('whose first call waits for the API server answers the others as that one', async () => {
    api.behave('failing');
    const channel = await daemon.connect(authority, operator);
    const token = api.issue({ username: ACCOUNT });
    const all = await Promise.all(Array.from({ length: 8 }, () => statusOf(channel, token)));
    api.behave('well');
    expect(new Set(all)).toEqual(new Set(['UNAVAILABLE']));
    channel.close();
  });

  test('of the right certificate that says nothing ends as those of strangers do', async () => {
    const silent = http2.connect(`https://localhost:${port()}`, await pemOf(authority, operator));
    await once(silent, 'connect');
    await expect(once(silent, 'close')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(await daemon.metrics()).toMatch(/connections_turned_away_total\{[^}]*reason="too-slow"[^}]*\} [1-9]/);
  }, 60_000);
});

describe('an API server that is down', () => {
  test.each(['failing', 'silent'] as const)(
    '(%s) locks out no client whose token was good, until that is over, and lets no new client in',
    async (how) => {
      const token = api.issue({ username: ACCOUNT, expiresAt: daemon.now() + 20 * 60_000 });
      expect(await daemon.call(authority, operator, token)).toBe('OK');
      const unknown = api.issue({ username: ACCOUNT });
      api.behave(how);
      try {
        daemon.pass(120_000);
        const channel = await daemon.connect(authority, operator);
        expect(
          await statusOfCall(
            (client, metadata) => client.cancelChaos({ executionId: 'x' }, { metadata }),
            channel,
            token,
          ),
        ).toBe('OK');
        // The first call has found out that no API server answers; the next ones do not wait.
        const started = performance.now();
        expect(await statusOf(channel, token)).toBe('OK');
        expect(performance.now() - started).toBeLessThan(1000);
        expect(await statusOf(channel, unknown)).toBe('UNAVAILABLE');
        expect(await refusals('review-unavailable')).toBeGreaterThan(0);
        daemon.pass(20 * 60_000);
        expect(await statusOf(channel, token)).toBe('UNAVAILABLE');
        channel.close();
      } finally {
        api.behave('well');
      }
      expect(await daemon.call(authority, operator, unknown)).toBe('OK');
    },
    120_000,
  );
});

test('a daemon that listens without mutual TLS does not start', async () => {
  const places = { stateDir: `${folder}/none`, socketPath: `${folder}/none/d.sock` };
  const logger = createLogger({ level: 'silent' });
  await expect(startDaemon({ ...places, listen: '127.0.0.1:0' }, { logger })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining('never listens on TCP without mutual TLS'),
  });
});

test('a connection whose certificate ends while it is open is refused from then on', async () => {
  const server = await createIdentity(folder, 'lasting', authority, { usage: 'serverAuth' });
  const tls = { certificate: server.certificate, key: server.key, clientCa: authority.certificate };
  const lasting = await startTcpDaemon(await newFolder(stack), { tls });
  const open = await lasting.connect(authority, operator);
  expect(await statusOf(open)).toBe('OK');
  lasting.pass(23 * 3600_000);
  expect(await statusOf(open)).toBe('OK');
  lasting.pass(2 * 3600_000);
  expect(await statusOf(open)).toBe('PERMISSION_DENIED');
  expect(await lasting.metrics()).toMatch(/^chaosplane_daemon_refused_total\{reason="certificate-expired"\} 1$/m);
  open.close();
  await lasting.stop();
});

test('a daemon that asks for no token says so when it starts', async () => {
  const server = await createIdentity(folder, 'tokenless', authority, { usage: 'serverAuth' });
  const tls = { certificate: server.certificate, key: server.key, clientCa: authority.certificate };
  const tokenless = await startTcpDaemon(await newFolder(stack), { tls });
  expect(tokenless.log).toContainEqual(
    expect.objectContaining({
      level: 'warn',
      msg: 'clients over tcp are asked for a certificate only, not for a token',
    }),
  );
  expect(await tokenless.call(authority, operator)).toBe('OK');
  await tokenless.stop();
});
