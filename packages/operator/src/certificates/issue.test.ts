import { connect, createServer } from 'node:tls';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createHash, createPrivateKey, createPublicKey, KeyObject, X509Certificate, type webcrypto } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { beforeAll, expect, test } from '@jest/globals';
import { authorityFault, leafFault } from './check.ts';
import { createAuthority, issueClient, issueServer, LEAF_LIFE_MS, type Pair } from './issue.ts';
import { leavesOf } from './secrets.ts';
import { x509 } from './x509.ts';

const now = Date.now();
const names = {
  namespace: 'chaosplane',
  clusterDomain: 'cluster.local',
  daemonService: 'chaosplane-daemon',
  operatorName: 'chaosplane-operator',
};
const [daemon, operator] = leavesOf(names) as [
  ReturnType<typeof leavesOf>[number],
  ReturnType<typeof leavesOf>[number],
];
const HOST = 'n1.chaosplane-daemon.chaosplane.svc.cluster.local';
const DAY_MS = 24 * 3600_000;

let authority: Pair;
let stranger: Pair;
let server: Pair;
let client: Pair;

beforeAll(async () => {
  [authority, stranger] = await Promise.all([createAuthority({ now }), createAuthority({ now })]);
  server = await issueServer(authority, { ...daemon, now });
  client = await issueClient(authority, { ...operator, now });
});

/** What a server that checks client certificates says to a client, or why the client did not trust the server. */
async function handshake(
  serving: Pair,
  asking: Pair | undefined,
  servername: string,
  { certificate: ca } = authority,
): Promise<string> {
  const listener = createServer(
    { ca, cert: serving.certificate, key: serving.key, requestCert: true, rejectUnauthorized: false },
    // Told instead of cut, so that the reason can be read.
    (socket) => socket.end(socket.authorized ? 'welcome' : `refused: ${String(socket.authorizationError)}`),
  );
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const own = asking && { cert: asking.certificate, key: asking.key };
  const socket = connect({ host: '127.0.0.1', port, servername, ca, ...own });
  try {
    return await text(socket);
  } catch (error) {
    return `not trusted: ${(error as Error).message}`;
  } finally {
    socket.destroy();
    listener.close();
  }
}

test('the operator and a daemon greet each other', async () => {
  expect(await handshake(server, client, HOST)).toBe('welcome');
});

test("a daemon's certificate is no good for asking other daemons", async () => {
  expect(await handshake(server, server, HOST)).toBe('refused: INVALID_PURPOSE');
});

test("the operator's certificate is no good for answering", async () => {
  expect(await handshake(client, client, 'chaosplane-operator.chaosplane.svc')).toMatch(/^not trusted: .*purpose/);
});

test('no client gets in without a certificate', async () => {
  expect(await handshake(server, undefined, HOST)).toMatch(/^refused: /);
});

test('a client of an authority with the same name, but another key, is refused', async () => {
  const other = await issueClient(stranger, { ...operator, now });
  expect(await handshake(server, other, HOST)).toMatch(/^refused: /);
});

test('a daemon of another authority is not trusted', async () => {
  const other = await issueServer(stranger, { ...daemon, now });
  expect(await handshake(other, client, HOST)).toMatch(/^not trusted: /);
});

test('a daemon is known by a name of one label below its service, and by no other', async () => {
  expect(await handshake(server, client, 'n1.chaosplane-daemon.chaosplane.svc')).toBe('welcome');
  expect(await handshake(server, client, 'n1.other.chaosplane.svc')).toMatch(/^not trusted: .*altnames/);
  expect(await handshake(server, client, 'a.b.chaosplane-daemon.chaosplane.svc')).toMatch(/^not trusted: .*altnames/);
});

test('the authority lives ten years and signs no other authority; leaves live one', () => {
  const read = new X509Certificate(authority.certificate);
  const leaf = new X509Certificate(server.certificate);
  expect(read.ca).toBe(true);
  expect(leaf.ca).toBe(false);
  expect((read.validToDate.getTime() - now) / DAY_MS).toBeCloseTo(3650, 1);
  expect((leaf.validToDate.getTime() - now) / DAY_MS).toBeCloseTo(365, 1);
  expect(read.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
  expect(read.serialNumber).not.toBe(new X509Certificate(stranger.certificate).serialNumber);
});

test('a leaf does not outlive its authority', async () => {
  const late = await issueClient(authority, { ...operator, now: now + 3649 * DAY_MS });
  expect(new X509Certificate(late.certificate).validTo).toBe(new X509Certificate(authority.certificate).validTo);
});

test('an authority that names its key by another digest signs what both sides believe', async () => {
  const other = await authorityOf(await newKeys(), '5eed'.repeat(10));
  const [answering, asking] = [
    await issueServer(other, { ...daemon, now }),
    await issueClient(other, { ...operator, now }),
  ];
  expect(leafFault(answering, other, wanted())).toBeUndefined();
  expect(await handshake(answering, asking, HOST, other)).toBe('welcome');
});

test('what cert-manager signs with the same key, under a certificate of its own, is believed beside what was there', async () => {
  const publicKey = createPublicKey(authority.key);
  // The point of the key ends its SubjectPublicKeyInfo: the octets of its BIT STRING, which Go hashes.
  const point = publicKey.export({ type: 'spki', format: 'der' }).subarray(-65);
  const keyId = createHash('sha256').update(point).digest('hex').slice(0, 40);
  const keys = {
    publicKey: publicKey.toCryptoKey(ALGORITHM, true, ['verify']),
    privateKey: createPrivateKey(authority.key).toCryptoKey(ALGORITHM, true, ['sign']),
  };
  const made = await authorityOf(keys, keyId);
  expect(made.certificate).not.toBe(authority.certificate);
  const taken = await issueServer(made, { ...daemon, now });
  expect(await handshake(taken, client, HOST, authority)).toBe('welcome');
  expect(await handshake(server, client, HOST, made)).toBe('welcome');
});

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const newKeys = (): Promise<webcrypto.CryptoKeyPair> => crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);

/** As another program makes one. */
async function authorityOf(keys: webcrypto.CryptoKeyPair, keyId: string): Promise<Pair> {
  const extensions = [new x509.BasicConstraintsExtension(true), new x509.SubjectKeyIdentifierExtension(keyId)];
  const named = { name: 'CN=ChaosPlane', keys, signingAlgorithm: ALGORITHM, extensions };
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(named);
  const key = KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' });
  return { certificate: certificate.toString('pem'), key: key.toString() };
}

test('a good leaf stays', () => {
  const times = { now, renewBeforeMs: LEAF_LIFE_MS / 3 };
  expect(leafFault(server, authority, { ...daemon, ...times })).toBeUndefined();
  expect(leafFault(client, authority, { ...operator, ...times })).toBeUndefined();
});

const faults: readonly (readonly [string, () => string | undefined, RegExp])[] = [
  ['of another authority', () => leafFault(server, stranger, wanted()), /not signed by the authority/],
  ['for the wrong side', () => leafFault(client, authority, wanted()), /not for servers alone/],
  [
    'of another cluster domain',
    () => leafFault(server, authority, wanted({ dnsNames: ['*.x'] })),
    /has other DNS names/,
  ],
  ['that has ended', () => leafFault(server, authority, wanted({ now: now + 366 * DAY_MS })), /has ended/],
  ['that ends soon', () => leafFault(server, authority, wanted({ now: now + 360 * DAY_MS })), /it ends /],
  ['without its key', () => leafFault({ ...server, key: client.key }, authority, wanted()), /its key is another one/],
  ['that is damaged', () => leafFault({ ...server, certificate: 'x' }, authority, wanted()), /cannot be read/],
];

function wanted(other: { now?: number; dnsNames?: string[] } = {}) {
  return { ...daemon, now, renewBeforeMs: 30 * DAY_MS, ...other };
}

test.each(faults)('a leaf %s is replaced', (_what, fault, reason) => {
  expect(fault()).toMatch(reason);
});

test('an authority that is none, or has ended, cannot sign', () => {
  expect(authorityFault(authority, now)).toBeUndefined();
  expect(authorityFault(server, now)).toMatch(/not the certificate of an authority/);
  expect(authorityFault(authority, now + 3651 * DAY_MS)).toMatch(/has ended/);
  expect(authorityFault({ certificate: '', key: '' }, now)).toMatch(/cannot be read/);
});
