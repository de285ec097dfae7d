/** The chart as it is published: pushed to a registry by what a release runs, and installed from there by helm. */
import { mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { VERSION } from '@chaosplane/common';
import { extractKubectlAndHelm, sharedControlPlane, type Cluster } from '@chaosplane/testcluster';
import { startRegistry, type Registry } from '@chaosplane/testcluster/registry';
import { execa } from 'execa';

jest.setTimeout(120_000);

const ROOT = join(import.meta.dirname, '../../../..');
const CHART = join(ROOT, 'charts/chaosplane');

let folder: string;
let registry: Registry;
let cluster: Cluster;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chaosplane-chart-'));
  await mkdir(join(folder, 'bin'));
  await extractKubectlAndHelm(join(folder, 'bin'));
  registry = await startRegistry((line) => void process.stderr.write(`${line}\n`));
  cluster = await sharedControlPlane();
}, 600_000);
afterAll(async () => {
  await registry.close();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

/** With nothing of this machine's own helm. */
function call(program: string, ...args: readonly string[]) {
  const path = [join(folder, 'bin'), process.env['PATH'] ?? ''].join(delimiter);
  const env = { PATH: path, HOME: folder, KUBECONFIG: cluster.kubeconfig, NODE_OPTIONS: '' };
  return execa(program, args, { env, cwd: folder });
}

const published = (): string[] => [`oci://${registry.host}/charts/chaosplane`, '--version', VERSION, '--plain-http'];

test('what a release runs pushes it, under the version of everything', async () => {
  const push = ['--push', `oci://${registry.host}/charts`, '--plain-http', '--out', join(folder, 'out')];
  const { stdout } = await call(process.execPath, join(ROOT, 'tools/chart/main.ts'), ...push);
  expect(stdout).toMatch(new RegExp(`Pushed: ${registry.host}/charts/chaosplane:${VERSION}\nDigest: sha256:`));
  const { stdout: shown } = await call('helm', 'show', 'chart', ...published());
  expect(shown).toMatch(new RegExp(`^appVersion: "?${VERSION}"?$`, 'm'));
  expect(shown).toMatch(new RegExp(`^version: ${VERSION}$`, 'm'));
});

test('what is pulled is the chart of this repository, file by file', async () => {
  await call('helm', 'pull', ...published(), '--untar', '--untardir', join(folder, 'pulled'));
  const files = await filesOf(CHART);
  expect(await filesOf(join(folder, 'pulled/chaosplane'))).toEqual(files);
  expect(files.length).toBeGreaterThan(15);
  // helm writes the data of the chart again, in an order of its own.
  for (const path of files.filter((each) => each !== 'Chart.yaml'))
    expect([path, await readFile(join(folder, 'pulled/chaosplane', path), 'utf8')]).toEqual([
      path,
      await readFile(join(CHART, path), 'utf8'),
    ]);
});

test('an API server takes what is rendered from it, which is what is rendered from a checkout', async () => {
  const rendered = async (...chart: readonly string[]): Promise<string> =>
    (await call('helm', 'template', 'chaosplane', ...chart, '--namespace', 'chaosplane', '--include-crds')).stdout;
  const fromRegistry = await rendered(...published());
  expect(fromRegistry).toBe(await rendered(CHART));
  expect(fromRegistry).toContain('kind: DaemonSet');
  const install = ['install', 'chaosplane', ...published(), '--namespace', 'chaosplane', '--create-namespace'];
  const { stdout } = await call('helm', ...install, '--dry-run=server');
  expect(stdout).toContain('STATUS: pending-install');
});

async function filesOf(chart: string): Promise<string[]> {
  const entries = await readdir(chart, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map(({ parentPath, name }) => join(parentPath, name).slice(chart.length + 1)).toSorted();
}
