/** Whose token a daemon takes, by a real API server: one that outlives its pod is of no use. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { createLogger, systemClock } from '@chaosplane/common';
import { sharedControlPlane, type Cluster } from '@chaosplane/testcluster';
import { eventually } from '@chaosplane/testkit/eventually';
import { createTokenReviewer } from '../../src/server/identity/token-review.ts';
import { createTokens, POSITIVE_MS, type Tokens } from '../../src/server/identity/tokens.ts';

jest.setTimeout(60_000);

const AUDIENCE = 'chaosplane-daemon';
const namespace = `tokens-${randomBytes(3).toString('hex')}`;

let cluster: Cluster;
let folder: string;
let tokens: Tokens;
/** Added to the clock that never jumps. */
let later = 0;

const kubectl = (...argv: readonly string[]): Promise<string> => cluster.kubectl([...argv, '-n', namespace]);

/** A token of an account, which is bound to a pod as those are that a kubelet brings into it. */
const tokenOf = (account: string, pod: string, audience = AUDIENCE): Promise<string> =>
  kubectl(
    'create',
    'token',
    account,
    `--audience=${audience}`,
    '--bound-object-kind=Pod',
    `--bound-object-name=${pod}`,
  );

async function addPod(name: string, serviceAccountName: string): Promise<void> {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    // Nothing runs here: the API server alone knows of it.
    spec: { serviceAccountName, containers: [{ name: 'operator', image: 'none' }] },
  };
  await cluster.kubectl(['apply', '-n', namespace, '-f', '-'], { input: JSON.stringify(pod) });
}

beforeAll(async () => {
  cluster = await sharedControlPlane();
  folder = await mkdtemp(join(tmpdir(), 'chaosplane-tokens-'));
  await cluster.kubectl(['create', 'namespace', namespace]);
  for (const name of ['operator', 'daemon', 'other']) await kubectl('create', 'serviceaccount', name);
  const role = ['--clusterrole=system:auth-delegator', `--serviceaccount=${namespace}:daemon`];
  await cluster.kubectl(['create', 'clusterrolebinding', namespace, ...role]);
  const config = JSON.parse(await cluster.kubectl(['config', 'view', '--raw', '-o', 'json'])) as {
    clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
  };
  const { server = '', 'certificate-authority-data': authority = '' } = config.clusters[0]?.cluster ?? {};
  await writeFile(join(folder, 'token'), await kubectl('create', 'token', 'daemon'), { mode: 0o600 });
  await writeFile(join(folder, 'ca.crt'), Buffer.from(authority, 'base64'));
  tokens = createTokens({
    reviewer: createTokenReviewer({ url: server, credentials: folder }),
    clock: { ...systemClock, monotonic: () => systemClock.monotonic() + later },
    logger: createLogger({ level: 'silent' }),
    serviceAccount: `system:serviceaccount:${namespace}:operator`,
    audience: AUDIENCE,
  });
}, 300_000);
afterAll(async () => {
  await cluster.kubectl(['delete', 'clusterrolebinding', namespace]);
  await cluster.kubectl(['delete', 'namespace', namespace, '--wait=false']);
  await rm(folder, { recursive: true, force: true });
});

test('a token of the operator is taken while its pod is there, and refused when it comes again after that', async () => {
  await addPod('leader', 'operator');
  const token = await tokenOf('operator', 'leader');
  await tokens.admit(token);
  await kubectl('delete', 'pod', 'leader', '--force');
  // What it has been told, the daemon believes for a minute.
  await tokens.admit(token);
  later += POSITIVE_MS;
  // The API server itself remembers what it found for some seconds.
  const refused = await eventually(
    'the token is refused',
    () => {
      later += POSITIVE_MS;
      return tokens.admit(token).then(
        () => undefined,
        (error: unknown) => error,
      );
    },
    { withinMs: 30_000, everyMs: 500 },
  );
  expect(refused).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'token-invalid' });
});

test('a pod of the same name gives an old token no life: it is bound to the one that was', async () => {
  await addPod('again', 'operator');
  const token = await tokenOf('operator', 'again');
  await kubectl('delete', 'pod', 'again', '--force');
  await addPod('again', 'operator');
  await expect(tokens.admit(token)).rejects.toMatchObject({ code: 'UNAUTHENTICATED', reason: 'token-invalid' });
  await tokens.admit(await tokenOf('operator', 'again'));
});

test('a token of another account, or for another audience, is refused', async () => {
  await addPod('stranger', 'other');
  await expect(tokens.admit(await tokenOf('other', 'stranger'))).rejects.toMatchObject({
    code: 'PERMISSION_DENIED',
    reason: 'token-account',
  });
  await addPod('elsewhere', 'operator');
  await expect(tokens.admit(await tokenOf('operator', 'elsewhere', 'another'))).rejects.toMatchObject({
    code: 'UNAUTHENTICATED',
    reason: 'token-invalid',
  });
});
