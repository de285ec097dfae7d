/** What kubectl finds in several kubeconfig files, as it was seen to; none: it refuses. Data of tests. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** What counts for a request. */
export interface Found {
  readonly context: string;
  readonly server: string;
  readonly namespace: string;
  readonly token: string;
}

/** What it shows; files by their names, those that KUBECONFIG lists; what is found. */
export type Merged = readonly [
  what: string,
  files: Readonly<Record<string, object | string>>,
  listed: readonly string[],
  found: Found | undefined,
];

/** A file with a cluster, a user and a context of that name. */
export function whole(name: string, more: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server: `https://${name}:6443` } }],
    users: [{ name, user: { token: `${name}-token` } }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: `${name}-namespace` } }],
    ...more,
  };
}

/** All of one name. */
const of = (name: string): Found => ({
  context: name,
  server: `https://${name}:6443`,
  namespace: `${name}-namespace`,
  token: `${name}-token`,
});

const current = (name: string) => ({ 'current-context': name });
const context = (name: string, parts: object) => ({ contexts: [{ name, context: parts }] });

export const merged: readonly Merged[] = [
  ['one file', { a: whole('a', current('a')) }, ['a'], of('a')],
  [
    'the first current context counts',
    { a: whole('a', current('a')), b: whole('b', current('b')) },
    ['a', 'b'],
    of('a'),
  ],
  ['and the second, where the first has none', { a: whole('a'), b: whole('b', current('b')) }, ['a', 'b'], of('b')],
  [
    'an empty one is none',
    { a: whole('a', current('')), b: whole('b', current('b')), c: whole('c', current('c')) },
    ['a', 'b', 'c'],
    of('b'),
  ],
  ['it may be a context of another file', { a: whole('a', current('b')), b: whole('b') }, ['a', 'b'], of('b')],
  [
    'parts may be in different files',
    {
      a: { apiVersion: 'v1', kind: 'Config', ...current('x'), ...context('x', { cluster: 'b', user: 'c' }) },
      b: whole('b'),
      c: whole('c'),
    },
    ['a', 'b', 'c'],
    { context: 'x', server: 'https://b:6443', namespace: 'default', token: 'c-token' },
  ],
  [
    'of one name, the first counts as a whole',
    { a: whole('a', { ...current('a'), ...context('a', { cluster: 'a', user: 'a' }) }), b: whole('a') },
    ['a', 'b'],
    { ...of('a'), namespace: 'default' },
  ],
  [
    'of one name, the second counts for nothing',
    { a: whole('a', current('a')), b: whole('a', { clusters: [{ name: 'a', cluster: { server: 'https://z:1' } }] }) },
    ['a', 'b'],
    of('a'),
  ],
  ['files that are not there are passed over', { b: whole('b', current('b')) }, ['a', 'b', 'c'], of('b')],
  ['a file with nothing in it as well', { a: '', b: whole('b', current('b')) }, ['a', 'b'], of('b')],
  ['a file that cannot be read is not', { a: '{', b: whole('b', current('b')) }, ['a', 'b'], undefined],
  ['no file at all', {}, ['a', 'b'], undefined],
  ['no current context', { a: whole('a') }, ['a'], undefined],
  ['a context that is in none of them', { a: whole('a', current('x')), b: whole('b') }, ['a', 'b'], undefined],
];

/** Writes the files; the paths of the listed ones, there or not. */
export async function writeKubeconfigs(
  folder: string,
  files: Merged[1],
  listed: readonly string[],
): Promise<readonly string[]> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return listed.map((name) => join(folder, name));
}
