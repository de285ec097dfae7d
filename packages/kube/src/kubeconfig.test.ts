/** Several kubeconfig files are read as kubectl reads them; a test of the API layer asks kubectl itself. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { merged, whole, writeKubeconfigs } from '../test/kubeconfigs.ts';
import { loadCluster } from './config.ts';

let folder: string;
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'kubeconfig-test-'))));
afterEach(() => rm(folder, { recursive: true }));

/** The header that a request is sent with. */
async function authorization(kubeconfig: string | readonly string[]): Promise<unknown> {
  const { headers } = await loadCluster({ kubeconfig }).credentials();
  return (headers as Readonly<Record<string, unknown>>)['Authorization'];
}

test.each(merged)('%s', async (_what, files, listed, found) => {
  const kubeconfig = await writeKubeconfigs(folder, files, listed);
  const load = () => loadCluster({ kubeconfig });
  if (found === undefined) expect(load).toThrow(/kubeconfig/);
  else {
    const { name, server, namespace } = load();
    expect({ context: name, server, namespace, token: await authorization(kubeconfig) }).toEqual({
      ...found,
      token: `Bearer ${found.token}`,
    });
  }
});

test('a refusal names the files: those of which none is there, the one that cannot be read, all without such a context', async () => {
  const [none, other] = await writeKubeconfigs(folder, {}, ['none', 'other']);
  expect(() => loadCluster({ kubeconfig: [none!, other!] })).toThrow(
    `none of these kubeconfig files is there: ${none}, ${other}`,
  );
  const [wrong, right] = await writeKubeconfigs(folder, { wrong: '{', right: whole('a') }, ['wrong', 'right']);
  expect(() => loadCluster({ kubeconfig: [right!, wrong!] })).toThrow(`the kubeconfig ${wrong} cannot be read`);
  expect(() => loadCluster({ kubeconfig: [none!, right!], context: 'x' })).toThrow(
    `the kubeconfig ${none}, ${right} has no whole context x; it has: a`,
  );
  expect(() => loadCluster({ kubeconfig: [right!] })).toThrow(`${right} has no current context; it has: a`);
});

test('paths are relative to the file that they stand in: authorities, certificates, keys, tokens, programs', async () => {
  const user = { 'client-certificate': 'me.crt', 'client-key': 'keys/me.key', tokenFile: 'token', token: 'not this' };
  const files = {
    'a/config': whole('a', { 'current-context': 'b' }),
    'b/config': whole('b', {
      clusters: [{ name: 'b', cluster: { server: 'https://b:6443', 'certificate-authority': 'ca.crt' } }],
      users: [{ name: 'b', user }],
    }),
    'b/ca.crt': 'authority',
    'b/me.crt': 'certificate',
    'b/keys/me.key': 'key',
    'b/token': 'of a file',
  };
  const kubeconfig = await writeKubeconfigs(folder, files, ['a/config', 'b/config']);
  const { ca, cert, key } = await loadCluster({ kubeconfig }).credentials();
  expect([ca, cert, key].map(String)).toEqual(['authority', 'certificate', 'key']);
  expect(await authorization(kubeconfig)).toBe('Bearer of a file');

  const answer = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token: 'made' } };
  const program = join(folder, 'b/bin');
  await writeFile(program, `#!/bin/sh\necho '${JSON.stringify(answer)}'\n`);
  await chmod(program, 0o755);
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: './bin', interactiveMode: 'Never' };
  const users = [{ name: 'b', user: { exec } }];
  await writeKubeconfigs(folder, { 'b/config': whole('b', { users }) }, []);
  expect(await authorization(kubeconfig)).toBe('Bearer made');
});
