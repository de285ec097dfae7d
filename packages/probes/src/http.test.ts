/** What a probe says of a failure, what it never says, and where it may not go: asked of real servers on this machine. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer } from 'node:net';
import { systemClock } from '@chaosplane/common';
import type { ProbeOutcome } from '@chaosplane/lifecycle';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createAuthority, issueServer } from '@chaosplane/operator/certificates';
import { ask } from '../test/ask.ts';
import type { Prober } from './prober.ts';
import { causeOf } from './words.ts';

const servers: TcpServer[] = [];
let plain: string;
let secure: string;
let mute: string;
let ca: string;

async function listen(server: Server | TcpServer): Promise<string> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeAll(async () => {
  plain = await listen(
    createServer(({ headers }, response) => {
      response.statusCode = headers['authorization'] === 'Bearer abc' ? 200 : 401;
      response.end();
    }),
  );
  const now = systemClock.now();
  const authority = await createAuthority({ now });
  const pair = await issueServer(authority, { commonName: 'shop', dnsNames: ['localhost'], now });
  ca = authority.certificate;
  secure = await listen(createTlsServer({ cert: pair.certificate, key: pair.key }, (_request, answer) => answer.end()));
  mute = await listen(createTcpServer((socket) => socket.end('nonsense\r\n')));
});
afterAll(() => servers.forEach((server) => server.close()));

const probe = (fields: object, prober: Partial<Prober> = {}): Promise<ProbeOutcome> =>
  ask({ type: 'http', ...fields }, prober);

describe('a probe tells its cause', () => {
  test.each<[string, () => object, RegExp]>([
    [
      'refused',
      () => ({ url: 'http://127.0.0.1:1/' }),
      /^fail: .* the connection was refused \(ECONNREFUSED 127\.0\.0\.1:1\)$/,
    ],
    [
      'no such name',
      () => ({ url: 'http://nowhere.invalid/' }),
      /^error: .*failed: .*name.* \((ENOTFOUND|EAI_AGAIN)\)/,
    ],
    [
      'an unknown signer',
      () => ({ url: `https://${secure}/` }),
      /^fail: .*failed: its certificate is signed by .*give ca/,
    ],
    ['another name', () => ({ url: `https://${secure}/`, ca }), /^fail: .*its certificate is for another name/],
    ['no TLS', () => ({ url: `https://${plain}/` }), /^fail: .*does not speak TLS.*\(EPROTO|ERR_SSL/],
    ['no HTTP', () => ({ url: `http://${mute}/` }), /^fail: .*does not speak HTTP \(HPE_/],
    ['another status', () => ({ url: `http://${plain}/` }), /^fail: .*answered 401, not 200$/],
  ])('%s', async (_what, fields, said) => {
    const { outcome, message } = await probe(fields());
    expect(`${outcome}: ${message}`).toMatch(said);
  });

  test('a server that is silent, by the time that was waited', async () => {
    const silent = await listen(createTcpServer(() => undefined));
    const { outcome, message, tookMs } = await probe({ url: `http://${silent}/`, timeout: '50ms' });
    expect([outcome, message]).toEqual(['fail', expect.stringMatching(/no answer within 50ms/)]);
    expect(tookMs).toBeGreaterThanOrEqual(49);
  });

  test('of errors within errors, the innermost one', () => {
    const inner = Object.assign(new Error('connect'), { code: 'ECONNRESET' });
    const several = new AggregateError([new Error('first'), inner], 'all failed');
    expect(causeOf(new TypeError('fetch failed', { cause: several }))).toBe('the connection was reset (ECONNRESET)');
    expect(causeOf('text')).toBe('text');
  });
});

test('certificates: trusted by ca, or not looked at', async () => {
  const url = `https://localhost:${secure.split(':')[1] ?? ''}/`;
  expect(await probe({ url, ca })).toMatchObject({ outcome: 'pass' });
  expect(await probe({ url: `https://${secure}/`, insecure: true })).toMatchObject({ outcome: 'pass' });
});

test('user and password of a URL are sent, and neither they nor its query are ever told', async () => {
  const url = `http://anna:geheim@${plain}/?token=geheim`;
  const { message } = await probe({ url });
  expect(message).toContain(`GET http://${plain}/?… answered 401`);
  expect((await probe({ url: 'http://anna:geheim@127.0.0.1:1/' })).message).not.toContain('geheim');
});

test('a header may come from a Secret, whose last line break is no part of it', async () => {
  const headers = [{ name: 'Authorization', valueFrom: { secretKeyRef: { name: 'token', key: 'bearer' } } }];
  const secret = async ({ name, key }: { name: string; key: string }) =>
    name === 'token' && key === 'bearer' ? 'Bearer abc\n' : '';
  expect(await probe({ url: `http://${plain}/`, headers }, { secret })).toMatchObject({ outcome: 'pass' });
  const binary = await probe({ url: `http://${plain}/`, headers }, { secret: async () => 'geheim\u0001' });
  expect(binary.outcome).toBe('error');
  expect(binary.message).toMatch(/characters that none may have.* \(ERR_INVALID_CHAR\)$/);
  expect(binary.message).not.toContain('geheim');
  const none = await probe({ url: `http://${plain}/`, headers });
  expect(none.message).toContain('there are no Secrets here');
  const inline = [{ name: 'authorization', value: 'Bearer abc' }];
  expect(await probe({ url: `http://${plain}/`, headers: inline })).toMatchObject({ outcome: 'pass' });
});

describe('loopback, link-local and metadata addresses are refused where they are not allowed', () => {
  test.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0.0.0.0/',
    'http://[::1]/',
    'http://[::]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[fe80::1]/',
    'http://169.254.169.254/latest/meta-data/',
    'http://2852039166/latest/meta-data/',
    'http://0xa9fea9fe/latest/meta-data/',
    'http://0251.0376.0251.0376/latest/meta-data/',
    'http://[::ffff:169.254.169.254]/latest/meta-data/',
    'http://[64:ff9b::169.254.169.254]/latest/meta-data/',
    'http://[fd00:ec2::254]/latest/meta-data/',
    'http://[fd20:ce::254]/computeMetadata/v1/',
    'http://100.100.100.200/latest/meta-data/',
    'https://168.63.129.16/machine/',
    'http://localhost/',
    'http://LOCALHOST/',
  ])('%s', async (url) => {
    const { outcome, message } = await probe({ url }, { allowLocal: false });
    expect([outcome, message]).toEqual(['error', expect.stringMatching(/loopback, link-local or .*allowLocalProbes/)]);
  });

  test('and by a name, before anything is connected', async () => {
    let asked = 0;
    const address = await listen(createTcpServer(() => asked++));
    await probe({ url: `http://localhost:${address.split(':')[1] ?? ''}/` }, { allowLocal: false });
    expect(asked).toBe(0);
  });
});

test('a redirect is an answer like any other: where it leads is not asked', async () => {
  let asked = 0;
  const hidden = await listen(createServer((_request, response) => response.end(String(++asked))));
  const door = await listen(
    createServer((_request, response) => response.writeHead(302, { location: `http://${hidden}/` }).end()),
  );
  const { outcome, message } = await probe({ url: `http://${door}/` });
  expect([outcome, message, asked]).toEqual(['fail', expect.stringContaining('answered 302, not 200'), 0]);
  expect(await probe({ url: `http://${door}/`, expectStatus: 302 })).toMatchObject({ outcome: 'pass' });
  expect(asked).toBe(0);
});
