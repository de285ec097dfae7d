/** The trial of a drain, with pods of every kind: budgets hold, nothing is evicted that would only come back, and the node is given back. */
import { expect } from '@jest/globals';
import { deployments, nodes, pods, statefulSets, type Pod } from '@chaosplane/kube';
import { APP_IMAGE } from '@chaosplane/testbed';
import { isOver, NAMESPACE, patient, SYSTEM, type Installation } from '@chaosplane/testcluster/installation';
import { eventually } from '@chaosplane/testkit/eventually';
import { HIT_NODE, marksOn, podRef, STATIC_POD } from './places.ts';
import { measured, trial } from './trial.ts';

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
  { ...bare('bare'), spec: { ...podSpec(), nodeName: HIT_NODE } },
];

/** Makes the pods, all of them on that node. Nothing else may be scheduled meanwhile. */
export async function fillNode({ cluster, client }: Installation): Promise<void> {
  const others = cluster.nodes.filter((name) => name !== HIT_NODE);
  const inNamespace = (...argv: readonly string[]): Promise<string> => cluster.kubectl([...argv, '-n', NAMESPACE]);
  await cluster.kubectl(['cordon', ...others]);
  await cluster.kubectl(['apply', '-f', '-'], { input: objects.map((object) => JSON.stringify(object)).join('\n') });
  const manifest = ['sh', '-c', 'cat > /etc/kubernetes/manifests/static.json'];
  await cluster.exec(HIT_NODE, manifest, { input: JSON.stringify(bare('static')) });
  for (const what of ['deployment/web', 'statefulset/db'])
    await inNamespace('rollout', 'status', what, '--timeout=90s');
  await eventually('there is the static pod', () => client.get(pods, podRef(STATIC_POD)), patient);
  await inNamespace('wait', '--for=condition=Ready', '--timeout=90s', 'pod/bare', `pod/${STATIC_POD}`);
  await cluster.kubectl(['uncordon', ...others]);
}

const names = (found: readonly Pod[]): string[] => found.map(({ metadata: { name } }) => name).toSorted();

async function namesOn({ client }: Installation, namespace?: string): Promise<string[]> {
  return names((await client.list(pods, { namespace, fieldSelector: `spec.nodeName=${HIT_NODE}` })).items);
}

/** Which container runs in a pod, and since when. */
async function runsAs({ client }: Installation, name: string): Promise<unknown> {
  const { containerStatuses = [] } = (await client.get(pods, podRef(name)))?.status ?? {};
  return containerStatuses.map(({ containerID, restartCount, state }) => [containerID, restartCount, state?.running]);
}

const target = { kind: 'Node', names: [HIT_NODE] } as const;
const parameters = { force: true } as const;

/** A dry run tells of each pod, and evicts none. */
async function tellsBefore(shop: Installation): Promise<void> {
  const before = await namesOn(shop);
  const action = { type: 'node-drain', parameters };
  await shop.apply('dry', { target, action, duration: '10m', execution: { dryRun: true } });
  const message = (await shop.until('dry', isOver)).status?.targets?.[0]?.message ?? '';
  for (const told of [
    new RegExp(`cordon the node ${HIT_NODE} and evict \\d pods`),
    /evict shop\/db-0/,
    /evict shop\/bare/,
    /1 pod stays: static/,
  ])
    expect(message).toMatch(told);
  expect(message).toMatch(/\d pods? stays?: of ChaosPlane/);
  expect(await namesOn(shop)).toEqual(before);
  await shop.remove('dry');
}

/** Counts the ready replicas of a Deployment again and again; `stop` resolves with the lowest number. */
function fewestReady({ client }: Installation, name: string): { stop(): Promise<number> } {
  const over = new AbortController();
  const watched = (async () => {
    let fewest = Number.POSITIVE_INFINITY;
    while (!over.signal.aborted) {
      const found = await client.get(deployments, podRef(name));
      fewest = Math.min(fewest, found?.status?.readyReplicas ?? 0);
    }
    return fewest;
  })();
  watched.catch(() => undefined);
  return {
    stop() {
      over.abort();
      return watched;
    },
  };
}

/** The StatefulSet's pod, which has the same name again. */
async function database({ client }: Installation) {
  const ready = (await client.get(statefulSets, podRef('db')))?.status?.readyReplicas === 1;
  const { metadata, spec } = (await client.get(pods, podRef('db-0'))) ?? {};
  return { ready, uid: metadata?.uid, node: spec?.nodeName };
}

const isGone = (found: readonly string[]): boolean => found.length === 1 && found[0] === STATIC_POD;

const drain = trial(({ shop }) => {
  let counted: { stop(): Promise<number> };
  return measured({
    target,
    node: HIT_NODE,
    parameters,
    seconds: 45,
    async prepare() {
      await tellsBefore(shop);
      counted = fewestReady(shop, 'web');
    },
    measure: async () => ({
      own: await namesOn(shop, SYSTEM),
      pods: await namesOn(shop, NAMESPACE),
      held: await runsAs(shop, STATIC_POD),
      database: await database(shop),
      unschedulable: (await shop.client.get(nodes, { name: HIT_NODE }))?.spec?.unschedulable === true,
    }),
    async felt(now, before) {
      expect(before).toMatchObject({ unschedulable: false, database: { ready: true, node: HIT_NODE } });
      expect(before.pods).toHaveLength(6);
      expect(now.unschedulable).toBe(true);
      const left = () => namesOn(shop, NAMESPACE);
      await eventually('the pods are gone', left, { ...patient, is: isGone });
      const back = async () => (await database(shop)).ready;
      await eventually('the StatefulSet has its pod again', back, patient);
      await shop.cluster.kubectl(['rollout', 'status', 'deployment/web', '--timeout=60s', '-n', NAMESPACE]);
      expect(await counted.stop()).toBe(2);
    },
    back(after, before) {
      expect(after).toMatchObject({ unschedulable: false, pods: [STATIC_POD], own: before.own, held: before.held });
      expect(after.database.node).not.toBe(HIT_NODE);
      expect(after.database.uid).not.toBe(before.database.uid);
    },
    residue: () => marksOn(shop, HIT_NODE),
  });
});

export const drainTrials = { 'node-drain': drain } as const;
