/** Operators and daemons of adjacent versions: the one new and the other of the earlier build, in both ways. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
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
import { cgroupOf } from '../cluster/containers.ts';
import { stressorsIn } from '@chaosplane/testcluster/accounts';
import { eventually } from '@chaosplane/testkit/eventually';
import { buildBefore, buildNow, imageOf, upgradeTo, type Build } from '@chaosplane/testcluster/builds';
import { ask } from './felt.ts';

jest.setTimeout(600_000);

const DELAY_MS = 300;
const STATUS = 503;

const stack = new AsyncDisposableStack();
let shop: Installation;
let before: Build;
let now: Build;
let clean: string;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'chaosplane-adjacent-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  [before, now] = [await buildBefore(process.env['CHAOSPLANE_TEST_BEFORE'] ?? ''), await buildNow('now', folder)];
  const cluster = await startCluster({ nodes: 2, report: (line) => void process.stderr.write(`${line}\n`) });
  stack.defer(() => cluster.stop());
  await cluster.loadImages([...before.images, ...now.images]);
  await cluster.kubectl(['create', 'namespace', NAMESPACE]);
  shop = installationOn(cluster);
  await shop.addApps({ name: 'web', node: 'n1' });
  clean = await shop.print('web');
}, 1_800_000);
afterAll(() => stack.disposeAsync(), 120_000);

const request = async () => ask(`http://${await shop.ipOf('web')}:8080/`, 5_000);

/** What is asked for, and whether it is felt. */
const faults = {
  delay: {
    action: { type: 'network-delay', parameters: { latency: `${DELAY_MS}ms` } },
    isFelt: async () => (await request()).ms >= 0.9 * DELAY_MS,
  },
  http: {
    action: { type: 'pod-http-abort', parameters: { port: 8080, statusCode: STATUS } },
    isFelt: async () => (await request()).status === STATUS,
  },
  stress: {
    action: { type: 'pod-cpu-stress', parameters: { load: 50, containerName: 'http' } },
    isFelt: async () => stressorsIn(await cgroupOf(shop, 'web', 'http', 'cpuacct')).length > 0,
  },
} as const;

/** The chart of one build, with one part of the other. */
async function mix(chart: Build, part: 'operator' | 'daemon', other: Build): Promise<void> {
  // The image that was set before belongs to kubectl.
  await upgradeTo(shop.cluster, chart, [], ['--force-conflicts']);
  const object = part === 'operator' ? 'deployment/chaosplane-operator' : 'daemonset/chaosplane-daemon';
  await shop.cluster.kubectl(['set', 'image', object, `${part}=${imageOf(part, other)}`, '-n', SYSTEM]);
  await shop.cluster.kubectl(['rollout', 'status', object, '-n', SYSTEM, '--timeout=180s']);
}

const mixes = [
  ['a new operator with earlier daemons, in the earlier chart', () => mix(before, 'operator', now)],
  ['an earlier operator with new daemons, in the earlier chart', () => mix(before, 'daemon', now)],
  ['a new operator with earlier daemons, in the new chart', () => mix(now, 'daemon', before)],
  ['an earlier operator with new daemons, in the new chart', () => mix(now, 'operator', before)],
] as const;

test.each(mixes)('%s: faults are felt, verified and ended, by their time and by an abort', async (_name, arrange) => {
  await arrange();
  for (const [name, { action, isFelt }] of Object.entries(faults)) {
    for (const way of ['ends', 'aborted'] as const) {
      const experiment = `${name}-${way}`;
      await shop.apply(experiment, { target: { names: ['web'] }, action, duration: way === 'ends' ? '8s' : '10m' });
      await shop.until(experiment, isEffective);
      expect(await isFelt()).toBe(true);
      if (way === 'aborted') {
        const verified = async () => (await isFelt()) && (await shop.get(experiment))?.status?.verified === '1/1';
        await eventually('it is verified', async () => (await verified()) || undefined, patient);
        await shop.cluster.kubectl([
          ...['annotate', 'chaosexperiment', experiment, '-n', NAMESPACE, 'chaosplane.io/abort=true'],
        ]);
      }
      const { status } = await shop.until(experiment, isOver);
      expect(status).toMatchObject({
        phase: way === 'ends' ? 'Completed' : 'Aborted',
        counts: { targets: 1, recovered: 1, missed: 0 },
        verified: '1/1',
      });
      expect(await isFelt()).toBe(false);
      expect(await shop.print('web')).toBe(clean);
      await shop.remove(experiment);
    }
  }
});
