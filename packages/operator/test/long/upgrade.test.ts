/**
 * The chart is upgraded from an earlier build while faults are in force: its journals, lease files and shards are taken over, and what
 * it began is ended by the new one. The earlier build is made of its commit.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { systemClock } from '@chaosplane/common';
import { chaosExperimentShards, type ExperimentObject } from '@chaosplane/api';
import { eventually } from '@chaosplane/testkit/eventually';
import { execa } from 'execa';
import { installRelease, RELEASE } from '@chaosplane/testcluster/release';
import { startCluster } from '@chaosplane/testcluster';
import {
  installationOn,
  isEffective,
  isOver,
  NAMESPACE,
  patient,
  SYSTEM,
  type Installation,
} from '@chaosplane/testcluster/installation';

jest.setTimeout(1_800_000);

/** The commit of the earlier build. */
const BEFORE = process.env['CHAOSPLANE_TEST_BEFORE'] ?? '';
const ROOT = join(import.meta.dirname, '../../../..');
const DELAY_MS = 300;

const stack = new AsyncDisposableStack();
let shop: Installation;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** The images and the chart of the earlier build. */
async function buildBefore(): Promise<{ readonly images: readonly string[]; readonly chart: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'chaosplane-before-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const [checkout, images] = [join(folder, 'checkout'), join(folder, 'images')];
  say('building the earlier build');
  await execa('git', ['clone', '--shared', '--no-checkout', ROOT, checkout]);
  await execa('git', ['checkout', '--detach', BEFORE], { cwd: checkout });
  await execa('npm', ['ci'], { cwd: checkout });
  const named = ['--registry', 'chaosplane.test', '--tag', 'before'];
  await execa('npm', ['run', 'image', '--', 'all', '--out', images, ...named], { cwd: checkout });
  return {
    images: ['operator', 'daemon'].map((part) => join(images, `chaosplane-${part}.tar`)),
    chart: join(checkout, 'charts/chaosplane'),
  };
}

beforeAll(async () => {
  const { images, chart } = await buildBefore();
  const cluster = await startCluster({ nodes: 2, report: say });
  stack.defer(() => cluster.stop());
  await cluster.loadImages(images);
  const settings = ['image.registry=chaosplane.test', 'image.tag=before', 'image.pullPolicy=Never'];
  await cluster.helm([
    ...[
      'upgrade',
      '--install',
      RELEASE,
      chart,
      '--namespace',
      SYSTEM,
      '--create-namespace',
      '--wait',
      '--timeout',
      '3m',
    ],
    ...settings.flatMap((setting) => ['--set', setting]),
  ]);
  await cluster.kubectl(['create', 'namespace', NAMESPACE]);
  shop = installationOn(cluster);
}, 1_800_000);
afterAll(() => stack.disposeAsync(), 120_000);

const ids = ({ status }: ExperimentObject): string[] =>
  (status?.targets ?? []).map(({ executionId = '' }) => executionId).toSorted();

/** Without evidence, which goes on. */
async function shards(): Promise<object[]> {
  const { items } = await shop.client.list(chaosExperimentShards, { namespace: NAMESPACE });
  return items.map(({ metadata, targets }) => ({
    name: metadata.name,
    uid: metadata.uid,
    targets: targets.map(({ evidence: _, ...target }) => target),
  }));
}

const executions = async (): Promise<string[]> =>
  (await Promise.all(shop.cluster.nodes.map((node) => shop.executionsOn(node)))).flat().toSorted();

async function epochs(): Promise<number[]> {
  const read = (node: string) => shop.cluster.exec(node, ['cat', '/var/lib/chaosplane/lease.json']);
  return (await Promise.all(shop.cluster.nodes.map(read))).map((text) => (JSON.parse(text) as { epoch: number }).epoch);
}

test('faults of the build before stay in force through an upgrade, and the new one ends them', async () => {
  const apps = ['slow-1', 'slow-2', 'cut', 'quiet'];
  await shop.addApps(
    ...apps.map((name, index) => ({ name, node: `n${1 + (index % 2)}`, labels: { part: name.slice(0, 4) } })),
  );
  const prints = () => Promise.all(apps.map((app) => shop.print(app)));
  const clean = await prints();
  await shop.apply('slow', {
    target: { labelSelector: { matchLabels: { part: 'slow' } }, mode: 'all' },
    action: { type: 'network-delay', parameters: { latency: `${DELAY_MS}ms` } },
    duration: '30m',
  });
  await shop.apply('cut', { target: { names: ['cut'] }, action: { type: 'network-partition' }, duration: '30m' });
  const before = await Promise.all(['slow', 'cut'].map((name) => shop.until(name, isEffective)));
  const [beforeShards, beforeExecutions, beforeEpochs] = [await shards(), await executions(), await epochs()];
  expect(beforeShards).toHaveLength(2);
  expect(beforeExecutions).toHaveLength(3);

  const upgrade = new AbortController();
  let asked = 0;
  const leaks: string[] = [];
  const watch = (async () => {
    while (!upgrade.signal.aborted) {
      const [outcome] = await shop.probe('quiet', [`udp://${await shop.ipOf('cut')}:8081`], { count: 2 });
      asked += outcome?.sent ?? 0;
      if (outcome?.answered !== 0) leaks.push(JSON.stringify(outcome));
      await systemClock.sleep(500);
    }
  })();
  await installRelease(shop.cluster, { report: say });
  const leads = async () => (await epochs()).every((epoch, index) => epoch > (beforeEpochs[index] ?? Infinity));
  await eventually('a new operator leads every daemon', leads, patient);
  upgrade.abort();
  await watch;
  expect(asked).toBeGreaterThan(10);
  expect(leaks).toEqual([]);

  expect(await executions()).toEqual(beforeExecutions);
  expect(await shards()).toEqual(beforeShards);
  const [web] = await shop.probe('quiet', [`http://${await shop.ipOf('slow-1')}:8080/`]);
  expect(web?.answered).toBe(web?.sent);
  expect(web?.medianMs).toBeGreaterThanOrEqual(DELAY_MS);
  for (const object of before) {
    const now = await shop.get(object.metadata.name);
    expect(now?.status?.phase).toBe('Running');
    expect(now?.status?.effectiveAt).toBe(object.status?.effectiveAt);
    expect(ids(now!)).toEqual(ids(object));
  }

  const abort = ['annotate', 'chaosexperiment', 'slow', '-n', NAMESPACE, 'chaosplane.io/abort=true'];
  await shop.cluster.kubectl(abort);
  expect((await shop.until('slow', isOver)).status).toMatchObject({
    phase: 'Aborted',
    counts: { recovered: 2, missed: 0 },
  });
  await shop.remove('cut');
  await shop.remove('slow');
  expect(await prints()).toEqual(clean);
  await eventually('nothing is left of it', async () => (await shards()).length === 0, patient);
});
