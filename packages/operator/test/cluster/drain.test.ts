/** A drain of a real node with pods of every kind: budgets hold, nothing is evicted that would only come back, and the node is given back. */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { deployments, pods, statefulSets, type Pod } from '@chaosplane/kube';
import { APP_IMAGE } from '@chaosplane/testbed';
import { install, isOver, NAMESPACE, patient, SYSTEM, type Installation } from '@chaosplane/testcluster/installation';
import { eventually } from '@chaosplane/testkit/eventually';

jest.setTimeout(300_000);

let shop: Installation;

const container = {
  ...{ name: 'c', image: APP_IMAGE, imagePullPolicy: 'Never', args: ['serve'] },
  readinessProbe: { httpGet: { port: 8080 }, periodSeconds: 1 },
};
const podSpec = (more: object = {}): object => ({
  terminationGracePeriodSeconds: 1,
  containers: [
    { ...container, ...('volumes' in more ? { volumeMounts: [{ name: 'data', mountPath: '/data' }] } : {}) },
  ],
  ...more,
});
const metadata = (name: string) => ({ name, namespace: NAMESPACE, labels: { app: name } });
const replicated = (kind: string, name: string, replicas: number, more?: object) => ({
  ...{ apiVersion: 'apps/v1', kind, metadata: metadata(name) },
  spec: {
    ...(kind === 'StatefulSet' ? { serviceName: name } : {}),
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: podSpec(more) },
  },
});
const bare = (name: string) => ({ apiVersion: 'v1', kind: 'Pod', metadata: metadata(name), spec: podSpec() });
const objects = [
  replicated('Deployment', 'web', 3),
  {
    ...{ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: metadata('web') },
    spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'web' } } },
  },
  replicated('StatefulSet', 'db', 1, { volumes: [{ name: 'data', emptyDir: {} }] }),
  { ...bare('bare'), spec: { ...podSpec(), nodeName: 'n1' } },
];

const kubectl = (...argv: readonly string[]): Promise<string> => shop.cluster.kubectl([...argv, '-n', NAMESPACE]);
const podsOn = async (node: string, namespace?: string): Promise<readonly Pod[]> =>
  (await shop.client.list(pods, { namespace, fieldSelector: `spec.nodeName=${node}` })).items;
const names = (found: readonly Pod[]): string[] => found.map(({ metadata: { name } }) => name).toSorted();

/** Which container runs in a pod, and since when. */
async function runsAs(ref: { namespace: string; name: string }): Promise<unknown> {
  const { containerStatuses = [] } = (await shop.client.get(pods, ref))?.status ?? {};
  return containerStatuses.map(({ containerID, restartCount, state }) => [containerID, restartCount, state?.running]);
}

beforeAll(async () => {
  shop = await install();
  const { cluster } = shop;
  // Everything begins on n1.
  await cluster.kubectl(['cordon', 'n2']);
  const input = objects.map((object) => JSON.stringify(object)).join('\n');
  await cluster.kubectl(['apply', '-f', '-'], { input });
  const manifest = ['sh', '-c', 'cat > /etc/kubernetes/manifests/static.json'];
  await cluster.exec('n1', manifest, { input: JSON.stringify(bare('static')) });
  for (const what of ['deployment/web', 'statefulset/db']) await kubectl('rollout', 'status', what, '--timeout=90s');
  await eventually('there is the static pod', () => shop.client.get(pods, static1), patient);
  await kubectl('wait', '--for=condition=Ready', '--timeout=90s', 'pod/bare', 'pod/static-n1');
  await cluster.kubectl(['uncordon', 'n2']);
}, 900_000);
afterAll(() => shop.close(), 60_000);

const static1 = { namespace: NAMESPACE, name: 'static-n1' };

const drain = (name: string, more: object = {}): Promise<void> =>
  shop.apply(name, {
    target: { kind: 'Node', names: ['n1'] },
    action: { type: 'node-drain', parameters: { force: true } },
    duration: '10m',
    ...more,
  });

test('a dry run tells of each pod, and evicts none', async () => {
  const before = names(await podsOn('n1'));
  await drain('dry', { execution: { dryRun: true } });
  const message = (await shop.until('dry', isOver)).status?.targets?.[0]?.message ?? '';
  for (const told of [
    /cordon the node n1 and evict \d pods/,
    /evict shop\/db-0/,
    /evict shop\/bare/,
    /1 pod stays: static/,
  ])
    expect(message).toMatch(told);
  expect(message).toMatch(/\d pods? stays?: of ChaosPlane/);
  expect(names(await podsOn('n1'))).toEqual(before);
});

test('a drain evicts one pod of a budget after the other, leaves what would only come back, and is undone', async () => {
  const [own, held] = [names(await podsOn('n1', SYSTEM)), await runsAs(static1)];
  const database = (await shop.client.get(pods, { namespace: NAMESPACE, name: 'db-0' }))?.metadata.uid;
  let fewest = 3;
  const over = new AbortController();
  const watched = (async () => {
    while (!over.signal.aborted) {
      const web = await shop.client.get(deployments, { namespace: NAMESPACE, name: 'web' });
      fewest = Math.min(fewest, web?.status?.readyReplicas ?? 0);
    }
  })();
  await drain('drain');
  const seen = await shop.until(
    'drain',
    ({ status }) => status?.targets?.[0]?.evidence?.verdict === 'Verified',
    150_000,
  );
  over.abort();
  await watched;
  expect(fewest).toBe(2);
  const { summary, notes } = seen.status?.targets?.[0]?.evidence ?? {};
  expect(summary).toMatch(/^(\d+) of \1 pods gone$/);
  expect(notes).toEqual(expect.arrayContaining(['1 pod stays: static']));
  expect(names(await podsOn('n1', NAMESPACE))).toEqual(['static-n1']);
  expect(await runsAs(static1)).toEqual(held);
  expect(names(await podsOn('n1', SYSTEM))).toEqual(own);
  await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s');
  await eventually(
    'the StatefulSet has its pod again',
    async () =>
      (await shop.client.get(statefulSets, { namespace: NAMESPACE, name: 'db' }))?.status?.readyReplicas === 1,
    patient,
  );
  const again = await shop.client.get(pods, { namespace: NAMESPACE, name: 'db-0' });
  expect(again?.metadata.uid).not.toBe(database);
  expect(again?.spec?.nodeName).toBe('n2');
  const unschedulable = ['get', 'node', 'n1', '-o', 'jsonpath={.spec.unschedulable}'];
  expect(await shop.cluster.kubectl(unschedulable)).toBe('true');
  await shop.remove('drain');
  expect(await shop.cluster.kubectl(unschedulable)).toBe('');
  const annotations = ['get', 'node', 'n1', '-o', 'jsonpath={.metadata.annotations}'];
  expect(await shop.cluster.kubectl(annotations)).not.toContain('chaosplane.io/cordoned-by');
});
