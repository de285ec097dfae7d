/**
 * The chart is upgraded, rolled back and removed while faults are in force: their journals, lease files, shards and definitions are
 * taken over each time, nothing is lost or doubled, and how long each fault was away is measured. It begins with an earlier build.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { chaosExperiments, chaosExperimentShards, chaosSchedules, type ExperimentObject } from '@chaosplane/api';
import { startCluster } from '@chaosplane/testcluster';
import { cpuMs, stressorsIn } from '@chaosplane/testcluster/accounts';
import {
  installationOn,
  isEffective,
  NAMESPACE,
  patient,
  SYSTEM,
  type Installation,
} from '@chaosplane/testcluster/installation';
import { uninstallRelease } from '@chaosplane/testcluster/release';
import { eventually } from '@chaosplane/testkit/eventually';
import { burningOn } from '../cluster/burning.ts';
import { cgroupOf } from '../cluster/containers.ts';
import {
  buildBefore,
  buildNow,
  imageOf,
  rollbackTo,
  upgradeTo,
  withField,
  type Build,
} from '@chaosplane/testcluster/builds';
import { ask, isDaemonReady, watch, type Felt } from './felt.ts';

jest.setTimeout(1_800_000);

const DELAY_MS = 300;
const LOAD = 50;
const STATUS = 503;
const NODES = ['n1', 'n2'] as const;
/** Two on each node, so that a daemon has more than one to take over. */
const APPS = ['slow', 'cut', 'failing', 'hot'] as const;
const nodeOf = (app: (typeof APPS)[number]): string => NODES[APPS.indexOf(app) % NODES.length]!;

const ACTIONS: Readonly<Record<(typeof APPS)[number], object>> = {
  slow: { type: 'network-delay', parameters: { latency: `${DELAY_MS}ms` } },
  cut: { type: 'network-partition' },
  failing: { type: 'pod-http-abort', parameters: { port: 8080, statusCode: STATUS } },
  hot: { type: 'pod-cpu-stress', parameters: { load: LOAD, containerName: 'http' } },
};

/** Without the webhook, which refuses a field that no operator knows. */
const LATER_VALUES = ['daemon.logLevel=debug', 'operator.replicas=3', 'admission.webhook.enabled=false'];

const stack = new AsyncDisposableStack();
let shop: Installation;
let builds: Readonly<Record<'before' | 'later' | 'now', Build>>;
let clean: readonly string[];
let idle: number;
/** Where the pods are asked, and the cgroup that is to burn; the pods stay the same. */
let urls: Readonly<Record<(typeof APPS)[number], string>>;
let burning: string;
let began: readonly ExperimentObject[];
let atFirst: unknown;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'chaosplane-upgrade-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const [before, next, now] = [
    await buildBefore(process.env['CHAOSPLANE_TEST_BEFORE'] ?? ''),
    await buildNow('next', folder),
    await buildNow('last', folder),
  ];
  const plurals = [chaosExperiments.plural, chaosSchedules.plural];
  builds = { before, later: await withField(next, folder, { plurals, field: 'note' }), now };
  const cluster = await startCluster({ nodes: NODES.length, report: say });
  stack.defer(() => cluster.stop());
  await cluster.loadImages(Object.values(builds).flatMap(({ images }) => images));
  await upgradeTo(cluster, before);
  await cluster.kubectl(['create', 'namespace', NAMESPACE]);
  shop = installationOn(cluster);
  await shop.addApps(...APPS.map((name) => ({ name, node: nodeOf(name) })));
  const found = APPS.map(async (app) => [app, `http://${await shop.ipOf(app)}:8080/`] as const);
  urls = Object.fromEntries(await Promise.all(found)) as typeof urls;
  burning = await cgroupOf(shop, 'hot', 'http', 'cpuacct');
  clean = await prints();
  idle = await burntASecond();
  for (const app of APPS) expect(await feels[app]()).toBe(false);
  for (const [app, action] of Object.entries(ACTIONS))
    await shop.apply(app, { target: { names: [app] }, action, duration: '1h' });
  began = await Promise.all(APPS.map((app) => shop.until(app, isEffective)));
  for (const app of APPS) await eventually(`${app} feels it`, feels[app], patient);
  atFirst = await inForce();
}, 1_800_000);
afterAll(() => stack.disposeAsync(), 120_000);

const prints = (): Promise<string[]> => Promise.all(APPS.map((app) => shop.print(app)));

/** Milliseconds of CPU time a second, in the container that is to burn. */
async function burntASecond(): Promise<number> {
  const [before, since] = [cpuMs(burning), performance.now()];
  await pause(2_000);
  return ((cpuMs(burning) - before) * 1000) / (performance.now() - since);
}

/** Whether each fault is felt now, at its pod. */
const feels: Readonly<Record<(typeof APPS)[number], () => Promise<boolean>>> = {
  slow: async () => (await ask(urls.slow, 5_000)).ms >= 0.9 * DELAY_MS,
  cut: async () => (await ask(urls.cut, 500)).status === 0,
  failing: async () => (await ask(urls.failing, 5_000)).status === STATUS,
  hot: async () => stressorsIn(burning).length > 0,
};

/** What the cluster and the nodes have noted of the experiments; without evidence, which goes on. */
async function inForce(): Promise<unknown> {
  const { items } = await shop.client.list(chaosExperimentShards, { namespace: NAMESPACE });
  const shards = items.map(({ metadata: { name, uid }, targets }) => {
    return { name, uid, targets: targets.map(({ evidence: _, ...target }) => target) };
  });
  const executions = (await Promise.all(NODES.map((node) => shop.executionsOn(node)))).flat().toSorted();
  return { shards, executions };
}

async function epochs(): Promise<number[]> {
  const read = (node: string) => shop.cluster.exec(node, ['cat', '/var/lib/chaosplane/lease.json']);
  return (await Promise.all(NODES.map(read))).map((text) => (JSON.parse(text) as { epoch: number }).epoch);
}

/** Watches the faults and the daemons while the release changes, until another operator leads and all daemons are ready. */
async function during(change: () => Promise<void>): Promise<ReadonlyMap<string, Felt>> {
  const before = await epochs();
  const ready = new Map(NODES.map((node) => [`daemon of ${node}`, () => isDaemonReady(shop, node)]));
  const asked = new Map([...ready, ...APPS.map((app) => [app as string, feels[app]] as const)]);
  const watches = [...asked].map(([name, isFelt]) => [name, watch(isFelt)] as const);
  try {
    await change();
    const leads = async () => (await epochs()).every((epoch, index) => epoch > (before[index] ?? Infinity));
    await eventually('a new operator leads every daemon', leads, patient);
    for (const [name, isFelt] of asked) await eventually(`${name} is back`, isFelt, patient);
  } finally {
    await Promise.all(watches.map(([, each]) => each.stop()));
  }
  return new Map(await Promise.all(watches.map(async ([name, each]) => [name, await each.stop()] as const)));
}

/**
 * Nothing was lost or doubled. Faults of the kernel were always felt; those that live in the daemon were away for no longer than it,
 * and half of that again for the time between two looks.
 */
async function isTakenOver(name: string, felt: ReadonlyMap<string, Felt>): Promise<void> {
  for (const [what, { asked, missed, gapMs }] of felt)
    say(`${name}: ${what}: ${missed} of ${asked} times away, for ${gapMs} ms at most`);
  expect(await inForce()).toEqual(atFirst);
  for (const object of began) {
    const now = await shop.get(object.metadata.name);
    expect(now?.status?.phase).toBe('Running');
    expect(now?.status?.effectiveAt).toBe(object.status?.effectiveAt);
    expect(now?.status?.targets?.map(({ executionId }) => executionId)).toEqual(
      object.status?.targets?.map(({ executionId }) => executionId),
    );
  }
  const { engine = '' } = (await shop.get('slow'))?.status?.targets?.[0]?.evidence ?? {};
  say(`${name}: the delay is by ${engine}`);
  for (const app of APPS) {
    // A delay without netem is in user space.
    if (app === 'cut' || (app === 'slow' && engine === 'netem')) {
      expect(felt.get(app)).toMatchObject({ missed: 0 });
      continue;
    }
    const daemon = felt.get(`daemon of ${nodeOf(app)}`);
    expect(daemon?.missed).toBeGreaterThan(0);
    expect(felt.get(app)?.gapMs).toBeLessThan(1.5 * (daemon?.gapMs ?? 0));
  }
  expect(await burntASecond()).toBeGreaterThan(5 * idle);
}

/** The images of the operator and the daemons, as the release has them. */
async function images(): Promise<string[]> {
  const path = 'jsonpath={.spec.template.spec.containers[0].image}';
  const objects = ['deployment/chaosplane-operator', 'daemonset/chaosplane-daemon'];
  return Promise.all(objects.map((object) => shop.cluster.kubectl(['get', object, '-n', SYSTEM, '-o', path])));
}
const imagesOf = (build: Build): string[] => [imageOf('operator', build), imageOf('daemon', build)];

const field = (): Promise<string> =>
  shop.cluster.kubectl(['explain', 'chaosschedule.spec.note']).then(
    () => 'served',
    () => 'unknown',
  );
/** What a schedule says in the field that came later. */
const noted = (): Promise<string> =>
  shop.cluster.kubectl(['get', 'chaosschedule', 'noted', '-n', NAMESPACE, '-o', 'jsonpath={.spec.note}']);

test('helm upgrade from the earlier build: new images, a new field, new values', async () => {
  expect(await field()).toBe('unknown');
  const felt = await during(() => upgradeTo(shop.cluster, builds.later, LATER_VALUES));
  expect(await images()).toEqual(imagesOf(builds.later));
  await isTakenOver('upgrade from the earlier build', felt);
  expect(await field()).toBe('served');
  const { apiVersion, kind } = chaosSchedules;
  const experiment = { target: { names: ['slow'] }, action: ACTIONS.slow, duration: '1s' };
  const spec = { schedule: '@daily', suspend: true, note: 'stays', experiment };
  const input = JSON.stringify({ apiVersion, kind, metadata: { name: 'noted', namespace: NAMESPACE }, spec });
  await shop.cluster.kubectl(['apply', '-f', '-'], { input });
  expect(await noted()).toBe('stays');
});

test('helm rollback to the earlier build', async () => {
  const felt = await during(() => rollbackTo(shop.cluster, 1));
  expect(await images()).toEqual(imagesOf(builds.before));
  await isTakenOver('rollback to the earlier build', felt);
  expect(await noted()).toBe('stays');
});

test('helm upgrade to definitions without the field, which is kept', async () => {
  const felt = await during(() => upgradeTo(shop.cluster, builds.now));
  expect(await images()).toEqual(imagesOf(builds.now));
  await isTakenOver('upgrade', felt);
  const touch = ['annotate', 'chaosschedule', 'noted', '-n', NAMESPACE, '--overwrite', 'touched=yes'];
  await shop.cluster.kubectl(touch);
  expect([await field(), await noted()]).toEqual(['served', 'stays']);
});

test('helm rollback between two builds that bring their definitions', async () => {
  const felt = await during(() => rollbackTo(shop.cluster, 2));
  expect(await images()).toEqual(imagesOf(builds.later));
  await isTakenOver('rollback', felt);
  expect([await field(), await noted()]).toEqual(['served', 'stays']);
});

test('helm uninstall with the faults in force: the pods are as they were, and nothing burns', async () => {
  await uninstallRelease(shop.cluster);
  for (const app of APPS) expect(await feels[app]()).toBe(false);
  expect(await prints()).toEqual(clean);
  expect(await Promise.all(NODES.map((node) => burningOn(shop, node)))).toEqual([[], []]);
  for (const app of APPS)
    expect((await shop.get(app))?.status).toMatchObject({ phase: 'Aborted', counts: { recovered: 1 } });
});
