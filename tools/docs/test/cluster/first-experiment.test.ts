/** docs/first-experiment.md, word by word: from an empty cluster to a verdict, an abort, and an empty cluster again. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { VERSION } from '@chaosplane/common';
import { buildImages, packNpm, testImages } from '@chaosplane/image';
import { differences, fingerprint } from '@chaosplane/testbed';
import { BUSYBOX_IMAGE, cacheFolder, startCluster, type Cluster } from '@chaosplane/testcluster';
import { podNetns } from '@chaosplane/testcluster/netns';
import { startRegistry, type Registry } from '@chaosplane/testcluster/registry';
import { execa } from 'execa';
import { blocksOf, type Block } from '../../page.ts';
import { told, toldBy } from '../../told.ts';

jest.setTimeout(300_000);

const ROOT = join(import.meta.dirname, '../../../..');
const report = (): void => undefined;

let folder: string;
let cluster: Cluster;
let registry: Registry;
let blocks: readonly Block[];

beforeAll(async () => {
  blocks = blocksOf(await readFile(join(ROOT, 'docs/first-experiment.md'), 'utf8'));
  folder = await mkdtemp(join(tmpdir(), 'chaosplane-first-'));
  registry = await startRegistry(report);
  cluster = await startCluster({ nodes: 2, report });
  // What a release has published is published here: images on the nodes, the chart in a registry, the command in the user's folder.
  await cluster.loadImages(Object.values(await buildImages({ cacheFolder: join(cacheFolder(), 'images'), report })));
  const push = ['--out', join(folder, 'chart'), '--push', `oci://${registry.host}/charts`, '--plain-http'];
  await shell([`node ${join(ROOT, 'tools/chart/main.ts')} ${push.join(' ')}`]);
  const tarball = await packNpm(join(folder, 'npm'), { version: VERSION });
  await shell([`npm install --no-audit --no-fund --prefer-offline ${tarball}`]);
}, 900_000);
afterAll(async () => {
  await registry.close();
  await cluster.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

/** What a machine without the published things cannot have, and nothing else. */
function here(line: string): string {
  const [images, tag] = testImages.operator.split('/operator:');
  const set = [`image.registry=${images ?? ''}`, `image.tag=${tag ?? ''}`, 'image.pullPolicy=Never'];
  return line.replace(
    /oci:\/\/ghcr\.io\/chaosplane\/charts\/chaosplane/,
    `oci://${registry.host}/charts/chaosplane --plain-http ${set.map((each) => `--set ${each}`).join(' ')}`,
  );
}

/** Runs lines as a shell does: what they printed, and with which code they ended. */
async function shell(lines: readonly string[]) {
  const path = [cluster.programs, join(ROOT, 'node_modules/.bin'), process.env['PATH'] ?? ''].join(delimiter);
  const helm = join(folder, 'helm');
  const own = { HELM_CACHE_HOME: helm, HELM_CONFIG_HOME: helm, HELM_DATA_HOME: helm, NODE_OPTIONS: '' };
  const env = { ...own, PATH: path, KUBECONFIG: cluster.kubeconfig };
  const argv = ['-euo', 'pipefail', '-c', lines.map(here).join('\n')];
  return execa('bash', argv, { cwd: folder, env, reject: false, all: true });
}

let next = 0;

/** Does what the page says, up to the next block of commands that has this line, its output included. */
async function doUntil(last: string): Promise<void> {
  for (let found = false, printed = ''; ;) {
    const block = blocks[next];
    if (block === undefined && !found) throw new Error(`the page does not say ${last}`);
    if (block === undefined || (found && block.kind !== 'output')) return;
    next++;
    if (block.kind === 'file')
      await writeFile(join(folder, block.path), block.text.replace(/busybox:\S+/, BUSYBOX_IMAGE));
    if (block.kind === 'output') expect(told(printed)).toMatch(toldBy(block.text));
    if (block.kind !== 'commands') continue;
    const { all, exitCode } = await shell(block.lines);
    printed = all;
    expect({ lines: block.lines, exitCode, all }).toMatchObject({ exitCode: block.exits });
    found = block.lines.some((line) => line.includes(last));
  }
}

let before: string;
const web = async (): Promise<string> => {
  const names = await cluster.kubectl(['get', 'pods', '-n', 'shop', '-l', 'app=web', '-o', 'name']);
  return fingerprint(await podNetns(cluster, 'shop', names.replace('pod/', '')));
};

describe('a stranger who follows docs/first-experiment.md', () => {
  test('installs it, and is told what the nodes can do', () => doUntil('doctor'));

  test('has a web server, and sees a hypothesis that holds', async () => {
    await doUntil('rollout status deployment/web');
    before = await web();
    await doUntil('run slow.yaml');
    expect(differences(before, await web())).toEqual([]);
  });

  test('sees one that does not hold, by the exit code too', async () => {
    await doUntil('run slower.yaml');
    expect(differences(before, await web())).toEqual([]);
  });

  test('ends one early, which leaves nothing in the pod', async () => {
    await doUntil('chaosplane list');
    expect(differences(before, await web())).toEqual([]);
  });

  test('takes it away again, and nothing of it is left on the cluster', async () => {
    await doUntil('xargs kubectl delete');
    const kinds = ['crds', 'clusterroles', 'clusterrolebindings', 'namespaces', 'validatingadmissionpolicies'];
    const more = ['validatingadmissionpolicybindings', 'mutatingwebhookconfigurations', 'priorityclasses'];
    const left = await cluster.kubectl(['get', [...kinds, ...more].join(','), '-A', '-o', 'name']);
    expect(left.split('\n').filter((name) => name.includes('chaosplane'))).toEqual([]);
  });

  test('has read the whole page', () => {
    expect(next).toBe(blocks.length);
  });
});
