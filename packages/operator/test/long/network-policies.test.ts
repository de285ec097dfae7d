/** The chart's NetworkPolicies where a real enforcer, kube-router, holds them: who is kept out, and that everything else goes on. */
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { APP_IMAGE } from '@chaosplane/testbed';
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
import { podNetns } from '@chaosplane/testcluster/netns';
import { installRelease, uninstallRelease } from '@chaosplane/testcluster/release';
import { healthOf, systemPods } from '@chaosplane/testcluster/system-pods';
import { eventually } from '@chaosplane/testkit/eventually';
import { chaosExperiments } from '@chaosplane/api';
import { startEnforcer } from './enforcer.ts';
import { ask } from './felt.ts';
import { doorsFrom, isReached, type Doors } from './reached.ts';

jest.setTimeout(600_000);

const PROGRAM = join(process.env['CHAOSPLANE_TEST_KUBE_ROUTER'] ?? '', 'kube-router');
const WATCHERS = 'watchers';
const API_PORT = 6443;
/** A pod with the labels of what hooks run; theirs end too soon to be looked at. */
const HOOK = 'like-a-hook';
const DELAY_MS = 300;
const STATUS = 503;
const report = (): void => undefined;

const stack = new AsyncDisposableStack();
let shop: Installation;
/** In another namespace than ChaosPlane, one on each node. */
let strangers: readonly string[];
/** The same, in the namespace that `metricsFrom` names. */
let watcher: string;

/** A pod on n2 that serves HTTP. */
async function addPod(namespace: string, name: string, port: number, labels: object = {}): Promise<void> {
  const args = ['serve', '--listen', `:${port}`];
  const containers = [{ name: 'http', image: APP_IMAGE, imagePullPolicy: 'Never', args }];
  const object = { metadata: { name, namespace, labels }, spec: { nodeName: 'n2', containers } };
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'Pod', ...object });
  await shop.cluster.kubectl(['apply', '-f', '-'], { input });
  await shop.cluster.kubectl(['wait', '-n', namespace, `pod/${name}`, '--for=condition=Ready', '--timeout=90s']);
}

const upgrade = (...set: readonly string[]): Promise<void> => installRelease(shop.cluster, { report, set });

beforeAll(async () => {
  const cluster = await startCluster({ nodes: 2, report });
  stack.defer(() => cluster.stop());
  await startEnforcer(cluster, PROGRAM);
  for (const name of [NAMESPACE, WATCHERS]) await cluster.kubectl(['create', 'namespace', name]);
  shop = installationOn(cluster);
  await shop.addApps(
    { name: 'web', node: 'n1' },
    { name: 'other', node: 'n1' },
    { name: 'near', node: 'n1' },
    { name: 'far', node: 'n2' },
  );
  // On the API server's port, and not at its address.
  await addPod(WATCHERS, 'prometheus', API_PORT);
  strangers = [await shop.netnsOf('near'), await shop.netnsOf('far')];
  watcher = await podNetns(cluster, WATCHERS, 'prometheus');
  await upgrade('networkPolicy.enabled=false');
  const name = { 'app.kubernetes.io/name': 'chaosplane', 'app.kubernetes.io/instance': 'chaosplane' };
  await addPod(SYSTEM, HOOK, 8080, { ...name, 'app.kubernetes.io/component': 'certificates' });
}, 1_800_000);
afterAll(() => stack.disposeAsync(), 120_000);

/** kube-router follows the API server in its own time. */
async function becomes(what: string, from: readonly string[], wanted: Doors): Promise<void> {
  const is = (seen: Doors): boolean => isDeepStrictEqual(seen, wanted);
  await eventually(`${what}: ${JSON.stringify(wanted)}`, () => doorsFrom(shop, from), { ...patient, is });
}

const ALL_OPEN: Doors = {
  commands: 'open',
  health: 'open',
  daemonPages: 'open',
  operatorPages: 'open',
  webhook: 'open',
};

/** The answers of `web` to a pod of its own node and one of another. */
async function answersOfWeb(): Promise<number[]> {
  const url = `http://${await shop.ipOf('web')}:8080/`;
  const found = await Promise.all(['near', 'far'].map((from) => shop.probe(from, [url], { count: 2 })));
  return found.flat().map(({ answered }) => answered);
}

/** A policy of the test alone: whether it is held at all. */
async function expectItEnforces(): Promise<void> {
  const answers = (wanted: number) => ({ ...patient, is: (seen: number[]) => seen.every((one) => one === wanted) });
  await eventually('web answers', answersOfWeb, answers(2));
  const policy = {
    ...{ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'deny', namespace: NAMESPACE } },
    spec: { podSelector: { matchLabels: { app: 'web' } }, policyTypes: ['Ingress'] },
  };
  await shop.cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify(policy) });
  await eventually('web is cut', answersOfWeb, answers(0));
  await shop.cluster.kubectl(['delete', 'networkpolicy', 'deny', '-n', NAMESPACE]);
  await eventually('web answers again', answersOfWeb, answers(2));
}

/** New pods become ready by the kubelet's probes, and stay so. */
async function expectProbesPass(): Promise<void> {
  const inSystem = ['-n', SYSTEM];
  const all = ['deployment/chaosplane-operator', 'daemonset/chaosplane-daemon'];
  await shop.cluster.kubectl(['rollout', 'restart', ...all, ...inSystem]);
  for (const each of all) await shop.cluster.kubectl(['rollout', 'status', each, ...inSystem, '--timeout=180s']);
  // Those that went may still be there.
  const health = async (): Promise<string[]> =>
    [...(await systemPods(shop, 'daemon')), ...(await systemPods(shop, 'operator'))].map(healthOf);
  const isHealthy = (seen: readonly string[]): boolean => seen.every((one) => / ready True .* restarts 0$/.test(one));
  await eventually('all pods are ready, and were never restarted', health, { ...patient, is: isHealthy });
}

/** Applies an experiment, measures while it is in force and once it is over, and removes it. */
async function during<R>(name: string, spec: object, measure: () => Promise<R>): Promise<{ now: R; after: R }> {
  await shop.apply(name, { target: { names: ['web'] }, duration: '10m', ...spec });
  await shop.until(name, isEffective);
  const now = await measure();
  await shop.remove(name);
  return { now, after: await measure() };
}

async function expectFaultsWork(): Promise<void> {
  const url = `http://${await shop.ipOf('web')}:8080/`;
  const slow = await during(
    'slow',
    { action: { type: 'network-delay', parameters: { latency: `${DELAY_MS}ms` } } },
    async () => Math.min(...(await shop.probe('far', [url])).map(({ leastMs = 0 }) => leastMs)),
  );
  expect(slow.now - slow.after).toBeGreaterThan(0.9 * DELAY_MS);
  const abort = { type: 'pod-http-abort', parameters: { port: 8080, statusCode: STATUS } };
  const failing = await during('failing', { action: abort }, async () => (await ask(url, 5000)).status);
  expect(failing).toEqual({ now: STATUS, after: 200 });
  const stress = { type: 'pod-cpu-stress', parameters: { load: 20, containerName: 'http' } };
  await shop.apply('hot', { target: { names: ['web'] }, action: stress, duration: '2s' });
  const hot = await shop.until('hot', isOver);
  expect(hot.status).toMatchObject({ phase: 'Completed', outcome: { phase: 'Completed' } });
  await shop.remove('hot');
}

/** How an experiment ends whose hypothesis asks this URL. */
async function probed(name: string, url: string): Promise<string | undefined> {
  const steadyState = { before: [{ type: 'http', url, timeout: '2s' }] };
  const action = { type: 'network-delay', parameters: { latency: '1ms' } };
  await shop.apply(name, { target: { names: ['web'] }, action, duration: '1s', steadyState });
  const over = await shop.until(name, isOver);
  await shop.remove(name);
  return over.status?.phase;
}

/** What the webhook says of an experiment that makes no sense. */
async function webhookSays(): Promise<string> {
  const { apiVersion, kind } = chaosExperiments;
  const spec = { target: { names: ['web'] }, action: { type: 'network-lag' }, duration: '1s' };
  const input = JSON.stringify({ apiVersion, kind, metadata: { name: 'bad', namespace: NAMESPACE }, spec });
  return shop.cluster.kubectl(['apply', '--dry-run=server', '-f', '-'], { input }).catch(String);
}
const expectWebhookAnswers = (): Promise<unknown> =>
  eventually('the webhook answers', webhookSays, {
    ...patient,
    is: (said) => /denied the request.*network-lag/s.test(said),
  });

test('kube-router enforces: a pod that a policy denies is cut, for its neighbour and for another node', () =>
  expectItEnforces());

test('without policies of the chart every pod reaches every port, and a probe any pod', async () => {
  await becomes('strangers', [...strangers, watcher], ALL_OPEN);
  expect(await hookReached()).toEqual([true, true]);
  const apps = { api: true, notApi: true, web: true, other: true };
  for (const component of ['operator', 'daemon', 'hook'] as const)
    expect(await outwards(component)).toEqual({ ...apps, commands: true, daemonPages: true, operatorPages: true });
  for (const app of ['web', 'other'])
    expect(await probed(`free-${app}`, `http://${app}.${NAMESPACE}/`)).toBe('Completed');
});

test('with the defaults only the operator reaches the commands, and everything works', async () => {
  await upgrade();
  await becomes('strangers', strangers, { ...ALL_OPEN, commands: 'closed' });
  await expectProbesPass();
  await becomes('strangers', strangers, { ...ALL_OPEN, commands: 'closed' });
  expect(await hookReached()).toEqual([false, false]);
  await expectWebhookAnswers();
  await expectFaultsWork();
});

test("a node's own processes reach the commands of its daemon, and of no other", async () => {
  const daemons = await systemPods(shop, 'daemon');
  for (const { spec, status } of daemons) {
    const reached = shop.cluster.nodes.map(async (node) => {
      const netns = join(await shop.cluster.rootOf(node), 'proc/1/ns/net');
      return [node, await isReached(netns, status.podIP, 50_051)] as const;
    });
    const wanted = shop.cluster.nodes.map((node) => [node, node === spec.nodeName] as const);
    expect(await Promise.all(reached)).toEqual(wanted);
  }
});

const ipOf = (namespace: string, pod: string): Promise<string> =>
  shop.cluster.kubectl(['get', 'pod', pod, '-n', namespace, '-o', 'jsonpath={.status.podIP}']);

/** The address behind its Service. */
const apiServer = (): Promise<string> =>
  shop.cluster.kubectl(['get', 'endpoints', 'kubernetes', '-o', 'jsonpath={.subsets[0].addresses[0].ip}']);

/** What pods of ChaosPlane reach: ports of apps, of each other, and the API server. */
async function outwards(component: 'operator' | 'daemon' | 'hook'): Promise<Record<string, boolean>> {
  const [daemons, operators] = [await systemPods(shop, 'daemon'), await systemPods(shop, 'operator')];
  const own = { operator: operators[0], daemon: daemons[0], hook: { metadata: { name: HOOK } } }[component];
  const daemon = daemons.find((each) => each !== own);
  const operator = operators.find((each) => each !== own);
  const netns = await podNetns(shop.cluster, SYSTEM, own?.metadata.name ?? '');
  const places: Record<string, [string, number]> = {
    api: [await apiServer(), API_PORT],
    notApi: [await ipOf(WATCHERS, 'prometheus'), API_PORT],
    web: [await shop.ipOf('web'), 8080],
    other: [await shop.ipOf('other'), 8080],
    commands: [daemon?.status.podIP ?? '', 50_051],
    daemonPages: [daemon?.status.podIP ?? '', 8081],
    operatorPages: [operator?.status.podIP ?? '', 8081],
  };
  const told: [string, boolean][] = [];
  for (const [name, [address, port]] of Object.entries(places))
    told.push([name, await isReached(netns, address, port)]);
  return Object.fromEntries(told);
}

/** Whether strangers reach the pod that is like one of a hook. */
async function hookReached(): Promise<boolean[]> {
  const address = await ipOf(SYSTEM, HOOK);
  return Promise.all(strangers.map((netns) => isReached(netns, address, 8080)));
}

const EGRESS = 'networkPolicy.egress';
const policies = async (): Promise<readonly string[]> => [
  `networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.kubernetes\\.io/metadata\\.name=${WATCHERS}`,
  `${EGRESS}.enabled=true`,
  `${EGRESS}.apiServer={${await apiServer()}/32}`,
  `${EGRESS}.operator[0].to[0].namespaceSelector.matchLabels.kubernetes\\.io/metadata\\.name=${NAMESPACE}`,
  `${EGRESS}.operator[0].to[0].podSelector.matchLabels.app=web`,
  `${EGRESS}.operator[0].ports[0].port=8080`,
];

/** Has the pods of cluster DNS listen on another port, behind the same Service. */
async function moveDns(port: number): Promise<void> {
  const inKube = ['-n', 'kube-system'];
  const { data } = JSON.parse(await shop.cluster.kubectl(['get', 'configmap', 'coredns', ...inKube, '-o', 'json'])) as {
    data: { Corefile: string };
  };
  const Corefile = data.Corefile.replace(/^\.:\d+/, `.:${port}`);
  const patch = async (what: readonly string[], body: object): Promise<void> => {
    await shop.cluster.kubectl(['patch', ...what, ...inKube, '--type=merge', '-p', JSON.stringify(body)]);
  };
  await patch(['configmap', 'coredns'], { data: { Corefile } });
  const ports = ['UDP', 'TCP'].map((protocol) => ({
    name: protocol.toLowerCase(),
    port: 53,
    protocol,
    targetPort: port,
  }));
  await patch(['service', 'kube-dns'], { spec: { ports } });
  await shop.cluster.kubectl(['rollout', 'restart', 'daemonset/coredns', ...inKube]);
  await shop.cluster.kubectl(['rollout', 'status', 'daemonset/coredns', ...inKube, '--timeout=120s']);
}

test('with metricsFrom only Prometheus reaches the pages, and the kubelet what it probes', async () => {
  await upgrade(...(await policies()));
  const closed: Doors = {
    commands: 'closed',
    health: 'closed',
    daemonPages: 'closed',
    operatorPages: 'closed',
    webhook: 'open',
  };
  await becomes('strangers', strangers, closed);
  await expectProbesPass();
  await becomes('strangers', strangers, closed);
  await becomes('Prometheus', [watcher], { ...closed, daemonPages: 'open', operatorPages: 'open' });
  for (const component of ['daemon', 'operator'] as const) {
    const [pod] = await systemPods(shop, component);
    const url = `http://${pod?.status.podIP ?? ''}:8081/metrics`;
    const argv = ['exec', 'prometheus', '-n', WATCHERS, '--', '/chaosplane-app', 'probe', '--count', '1', url];
    expect(JSON.parse(await shop.cluster.kubectl(argv))).toMatchObject({ sent: 1, answered: 1 });
  }
});

test('with egress the pods reach the API server and what is named, and no other address', async () => {
  const pages = { daemonPages: false, operatorPages: false };
  const nothing = { ...pages, api: true, notApi: false, web: false, other: false, commands: false };
  expect(await outwards('operator')).toEqual({ ...nothing, web: true, commands: true });
  expect(await outwards('daemon')).toEqual(nothing);
  expect(await outwards('hook')).toEqual(nothing);
  expect(await probed('named', `http://web.${NAMESPACE}/`)).toBe('Completed');
  expect(await probed('not-named', `http://other.${NAMESPACE}/`)).toBe('Failed');
});

test('where the pods of cluster DNS listen on a port of their own, names are known to who is let through to it', async () => {
  await moveDns(5353);
  expect((await shop.probe('far', [`http://web.${NAMESPACE}/`], { count: 1 }))[0]).toMatchObject({ answered: 1 });
  expect(await probed('unknown-name', `http://web.${NAMESPACE}/`)).toBe('Failed');
  await upgrade(...(await policies()), `${EGRESS}.dnsPorts={5353}`);
  expect(await probed('known-name', `http://web.${NAMESPACE}/`)).toBe('Completed');
  await moveDns(53);
  await upgrade(...(await policies()));
});

test('with egress everything works: webhook, faults, the hooks of an upgrade, the renewal of certificates', async () => {
  await expectWebhookAnswers();
  await expectFaultsWork();
  await upgrade(...(await policies()), 'daemon.logLevel=debug');
  const job = ['create', 'job', 'renewal', '--from=cronjob/chaosplane-certificates-renewal', '-n', SYSTEM];
  await shop.cluster.kubectl(job);
  await shop.cluster.kubectl(['wait', '--for=condition=Complete', 'job/renewal', '-n', SYSTEM, '--timeout=120s']);
  await shop.cluster.kubectl(['delete', 'job', 'renewal', '-n', SYSTEM]);
});

test('helm uninstall ends a fault under these policies, and kube-router still enforces', async () => {
  const before = await shop.print('web');
  await shop.apply('cut', { target: { names: ['web'] }, action: { type: 'network-partition' }, duration: '10m' });
  await shop.until('cut', isEffective);
  expect(await answersOfWeb()).toEqual([0, 0]);
  await uninstallRelease(shop.cluster);
  expect(await answersOfWeb()).toEqual([2, 2]);
  expect(await shop.print('web')).toEqual(before);
  expect((await shop.get('cut'))?.status?.phase).toBe('Aborted');
  expect(await shop.cluster.kubectl(['get', 'networkpolicies', '-n', SYSTEM, '-o', 'name'])).toBe('');
  await expectItEnforces();
});
