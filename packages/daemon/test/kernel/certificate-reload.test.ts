/** Certificates that are replaced as a kubelet does it, under a daemon that goes on. */
import { copyFile, mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '@chaosplane/testkit/eventually';
import { createAuthority, createIdentity, type Identity } from './certificates.ts';
import { newFolder, OPERATOR, startTcpDaemon, statusOf, type TcpDaemon } from './identity-lab.ts';

const stack = new AsyncDisposableStack();
let folder: string;
let mounted: string;
let daemon: TcpDaemon;
let before: Generation;

interface Generation {
  readonly authority: Identity;
  readonly server: Identity;
  readonly operator: Identity;
}

async function createGeneration(name: string): Promise<Generation> {
  const authority = await createAuthority(folder, `${name}-authority`);
  return {
    authority,
    server: await createIdentity(folder, `${name}-server`, authority, { usage: 'serverAuth' }),
    operator: await createIdentity(folder, `${name}-operator`, authority, { dns: OPERATOR, usage: 'clientAuth' }),
  };
}

/** As the kubelet's atomic writer: a new folder beside, then one rename of the link that all files go through. */
async function publish(name: string, { authority, server }: Pick<Generation, 'authority' | 'server'>): Promise<void> {
  await mkdir(join(mounted, `..${name}`));
  await copyFile(server.certificate, join(mounted, `..${name}`, 'tls.crt'));
  await copyFile(server.key, join(mounted, `..${name}`, 'tls.key'));
  await copyFile(authority.certificate, join(mounted, `..${name}`, 'ca.crt'));
  await symlink(`..${name}`, join(mounted, '..data_tmp'));
  await rename(join(mounted, '..data_tmp'), join(mounted, '..data'));
}

async function logged(message: string): Promise<void> {
  await eventually(`logged: ${message}`, () => daemon.log.some(({ msg }) => msg === message), { withinMs: 15_000 });
}

beforeAll(async () => {
  folder = await newFolder(stack);
  mounted = join(folder, 'mounted');
  await mkdir(mounted);
  before = await createGeneration('before');
  await publish('first', before);
  const files = ['tls.crt', 'tls.key', 'ca.crt'] as const;
  for (const file of files) await symlink(join('..data', file), join(mounted, file));
  const [certificate, key, clientCa] = files.map((file) => join(mounted, file)) as [string, string, string];
  daemon = await startTcpDaemon(folder, { tls: { certificate, key, clientCa } });
  stack.defer(() => daemon.stop());
}, 120_000);

afterAll(() => stack.disposeAsync(), 30_000);

test('files that do not fit together are not taken, and said to be wrong once', async () => {
  const other = await createGeneration('other');
  const mixed = { certificate: other.server.certificate, key: before.server.key };
  await publish('mixed', { authority: before.authority, server: mixed });
  await logged('changed certificates not taken');
  expect(await daemon.call(before.authority, before.operator)).toBe('OK');
  await writeFile(join(mounted, '..mixed', 'tls.key'), 'no key');
  expect(await daemon.call(before.authority, before.operator)).toBe('OK');
}, 120_000);

test('a new authority and new certificates are taken without a restart, and open connections go on', async () => {
  const open = await daemon.connect(before.authority, before.operator);
  expect(await statusOf(open)).toBe('OK');
  const after = await createGeneration('after');
  expect(await daemon.call(after.authority, after.operator)).toBe('UNAVAILABLE');
  await publish('second', after);
  await logged('certificates reloaded');
  expect(await daemon.call(after.authority, after.operator)).toBe('OK');
  // The new certificate is shown, and no client needs the old authority any more.
  expect(await daemon.call(before.authority, before.operator)).toBe('UNAVAILABLE');
  expect(await daemon.call(after.authority, before.operator)).toBe('UNAVAILABLE');
  expect(await statusOf(open)).toBe('OK');
  open.close();
}, 120_000);
