import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { ArchiveEntry } from '@chaosplane/testbed/oci/entry';
import { bundle, bundled, entryPoints } from './bundle.ts';

const ROOT = join(import.meta.dirname, '../../..');

test("the daemon's image has its four programs, and what several of them import once", async () => {
  const { entries, inputs } = await bundle(ROOT, 'daemon');
  const paths = entries.map(({ path }) => path);
  for (const name of Object.keys(entryPoints.daemon)) expect(paths).toContain(`app/${name}.js`);
  const text = entries.map((entry) => (entry.kind === 'text' ? entry.text.toString() : '')).join('\n');
  // Of a class of grpc-js, which the daemon and the command have.
  expect(text.match(/BackoffTimeout=class/g)).toHaveLength(1);
  expect(inputs).toContain('packages/daemon/src/daemon.ts');
}, 60_000);

test('lines are short enough to be printed where a program ends', async () => {
  const { entries } = await bundle(ROOT, 'operator');
  const modules = entries.filter(({ path }) => path.endsWith('.js'));
  const lines = modules.flatMap((entry) => (entry.kind === 'text' ? entry.text.toString().split('\n') : []));
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(4000);
}, 60_000);

test('a bundle in which a module would lack its names is refused', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'chaosplane-bundle-'));
  try {
    await writeFile(join(folder, 'names.cjs'), 'exports.one = 1;');
    await writeFile(join(folder, 'main.mjs'), "console.log(await import('./names.cjs'));");
    await expect(bundled(folder, { main: 'main.mjs' }, { splitting: true })).rejects.toThrow('names.cjs');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('what a pod of the operator never uses is in no module that it loads', async () => {
  const { entries } = await bundle(ROOT, 'operator');
  const textOf = (entry: ArchiveEntry): string => (entry.kind === 'text' ? entry.text.toString() : '');
  const modules = new Map(entries.map((entry) => [basename(entry.path), textOf(entry)]));
  const loaded = new Set(['main.js']);
  for (const name of loaded) {
    const text = modules.get(name) ?? '';
    // Not import(): that is loaded when it is called.
    for (const [, other = ''] of text.matchAll(/(?:from|import)\s*"\.\/([^"]+)"/g)) loaded.add(other);
  }
  const text = [...loaded].map((name) => modules.get(name)).join('\n');
  expect(text).toContain('leader');
  for (const unused of ['loadFromCluster', 'X509CertificateGenerator', 'OpenIDConnect']) {
    expect([...modules.values()].join('\n')).toContain(unused);
    expect(text).not.toContain(unused);
  }
  expect(text).not.toMatch(/import[^"]*"(?:node:)?https?"/);
}, 60_000);
