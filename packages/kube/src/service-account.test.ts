/** The identity that a pod is given, from files that are replaced while it runs. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { serviceAccountOfPod } from './service-account.ts';

const apiServer = 'https://10.96.0.1:443';
const MINUTE_MS = 60_000;

let folder: string;
const write = (name: string, text: string): Promise<void> => writeFile(join(folder, name), text);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chaosplane-account-'));
  await Promise.all([write('token', 'first\n'), write('ca.crt', 'authority'), write('namespace', 'shop\n')]);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('says where, as which user and in which namespace', async () => {
  const account = serviceAccountOfPod({ folder, apiServer });
  expect(account).toMatchObject({ server: 'https://10.96.0.1:443', namespace: 'shop', name: 'in-cluster' });
  expect(await account?.credentials()).toEqual({ ca: 'authority', headers: { authorization: 'Bearer first' } });
});

test('a replaced token and authority are taken up after a minute', async () => {
  let now = 0;
  const account = serviceAccountOfPod({ folder, apiServer, clock: { monotonic: () => now } })!;
  await account.credentials();
  await Promise.all([write('token', 'second'), write('ca.crt', 'the next')]);
  now = MINUTE_MS - 1;
  expect(await account.credentials()).toMatchObject({ ca: 'authority', headers: { authorization: 'Bearer first' } });
  now = MINUTE_MS;
  expect(await account.credentials()).toMatchObject({ ca: 'the next', headers: { authorization: 'Bearer second' } });
});

test('files that cannot be read are an error of that request, and read again at the next', async () => {
  const account = serviceAccountOfPod({ folder, apiServer })!;
  await rm(join(folder, 'ca.crt'));
  await expect(account.credentials()).rejects.toThrow(/ENOENT/);
  await write('ca.crt', 'back');
  expect(await account.credentials()).toMatchObject({ ca: 'back' });
});

test('without the files, or without an API server, there is none', async () => {
  expect(serviceAccountOfPod({ folder, apiServer: undefined })).toBeUndefined();
  await write('token', '');
  expect(serviceAccountOfPod({ folder, apiServer })).toBeUndefined();
  expect(serviceAccountOfPod({ folder: join(folder, 'none'), apiServer })).toBeUndefined();
});
