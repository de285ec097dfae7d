/** Which cluster a command talks to: by its flag, by what KUBECONFIG lists. */
import { defined } from '@chaosplane/common';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connectCluster } from './connect.ts';

let folder: string;
const file = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'connect-test-'));
  for (const name of ['a', 'b:c']) {
    const content = {
      clusters: [{ name, cluster: { server: `https://${name.length}:6443` } }],
      users: [{ name, user: { token: 'secret' } }],
      contexts: [{ name, context: { cluster: name, user: name, namespace: 'shop' } }],
      'current-context': name,
    };
    await writeFile(file(name), JSON.stringify(content));
  }
});
afterAll(() => rm(folder, { recursive: true }));

test.each<[string, { kubeconfig?: string; context?: string }, string[], string]>([
  ['what KUBECONFIG lists, those files that are there', {}, ['none', 'a'], 'a'],
  ['the first of them', {}, ['a', 'b:c'], 'a'],
  ['a context of another of them', { context: 'b:c' }, ['a', 'b:c'], 'b:c'],
  ['the flag before them, which is one file for any name', { kubeconfig: 'b:c' }, ['a'], 'b:c'],
])('%s', (_what, { kubeconfig, context }, listed, name) => {
  const flags = {
    ...(kubeconfig === undefined ? {} : { kubeconfig: file(kubeconfig) }),
    ...defined({ context }),
  };
  const connection = connectCluster(flags, { kubeconfigs: listed.map(file) });
  expect(connection).toMatchObject({ name, namespace: 'shop', server: `https://${name.length}:6443` });
});

test('a file that the flag names must be there', () => {
  expect(() => connectCluster({ kubeconfig: file('none') }, { kubeconfigs: [file('a')] })).toThrow('cannot be read');
});
