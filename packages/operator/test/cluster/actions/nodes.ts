/** Trials of a taint and a restart of a node. */
import { expect } from '@jest/globals';
import { nodes, pods } from '@chaosplane/kube';
import { APP_IMAGE } from '@chaosplane/testbed';
import { NAMESPACE, patient, SYSTEM, type Installation } from '@chaosplane/testcluster/installation';
import { eventually } from '@chaosplane/testkit/eventually';
import { requireNamespace } from '../restarting.ts';
import { HIT_NODE, marksOn, podRef, STATIC_POD } from './places.ts';
import { measured, trial } from './trial.ts';

const TAINT = { key: 'example.com/maintenance', value: 'yes', effect: 'NoSchedule' } as const;

/** What the scheduler makes of a new pod that must be on that node: `scheduled`, or why it is not. */
async function scheduling({ cluster, client }: Installation, node: string): Promise<string> {
  const pod = {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'pinned', namespace: NAMESPACE } },
    spec: {
      nodeSelector: { 'kubernetes.io/hostname': node },
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'http', image: APP_IMAGE, imagePullPolicy: 'Never', args: ['serve'] }],
    },
  };
  await cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify(pod) });
  try {
    return await eventually(
      'the scheduler has judged the pod',
      async () => {
        const { spec, status } = (await client.get(pods, podRef('pinned'))) ?? {};
        const told = status?.conditions?.find(({ type }) => type === 'PodScheduled');
        return spec?.nodeName === node ? 'scheduled' : told?.status === 'False' ? told.message : undefined;
      },
      patient,
    );
  } finally {
    await cluster.kubectl(['delete', 'pod', 'pinned', '-n', NAMESPACE]);
  }
}

const taint = trial(({ shop }) =>
  measured({
    target: { kind: 'Node', names: [HIT_NODE] },
    node: HIT_NODE,
    parameters: TAINT,
    async measure() {
      const taints = (await shop.client.get(nodes, { name: HIT_NODE }))?.spec?.taints ?? [];
      return { taints, pinned: await scheduling(shop, HIT_NODE) };
    },
    felt(now, before) {
      expect(before).toEqual({ taints: [], pinned: 'scheduled' });
      expect(now.taints).toEqual([TAINT]);
      expect(now.pinned).toContain('1 node(s) had untolerated taint');
    },
    back: (after, before) => expect(after).toEqual(before),
    residue: () => marksOn(shop, HIT_NODE),
  }),
);

const bootOf = ({ cluster }: Installation, node: string): Promise<string> =>
  cluster.exec(node, ['cat', '/proc/sys/kernel/random/boot_id']);

const restart = trial(({ shop }) => {
  let records: readonly string[] = [];
  return measured({
    target: { kind: 'Node', names: [HIT_NODE] },
    node: HIT_NODE,
    parameters: { gracePeriod: '100ms' },
    injectionTimeout: '3m',
    async prepare() {
      await requireNamespace(shop, HIT_NODE);
      records = await shop.executionsOn(HIT_NODE);
    },
    measure: async () => ({ hit: await bootOf(shop, HIT_NODE), other: await bootOf(shop, 'n1') }),
    async felt(now, before, { status }) {
      expect(now.other).toBe(before.other);
      expect(now.hit).not.toBe(before.hit);
      const [target] = status?.targets ?? [];
      expect(target?.evidence?.summary).toContain(`boot ${before.hit} before, ${now.hit} now`);
      const made = (await shop.executionsOn(HIT_NODE)).filter((name) => !records.includes(name));
      expect(made).toEqual([`${target?.executionId ?? ''}.json`]);
      await answersAgain(shop);
      expect(await bootOf(shop, HIT_NODE)).toBe(now.hit);
    },
    back: (after, before) => expect(after.other).toBe(before.other),
    residue: () => marksOn(shop, HIT_NODE),
  });
});

/** The node works as before: its pods, and what ChaosPlane has there. */
async function answersAgain({ cluster }: Installation): Promise<void> {
  await cluster.kubectl(['wait', '--for=condition=Ready', `node/${HIT_NODE}`, '--timeout=90s']);
  for (const what of ['daemonset/chaosplane-daemon', 'deployment/chaosplane-operator'])
    await cluster.kubectl(['rollout', 'status', what, '--timeout=90s', '-n', SYSTEM]);
  await eventually(
    'the pod of the node answers again',
    async () => {
      const path = `jsonpath={.status.podIP}`;
      const ip = await cluster.kubectl(['get', 'pod', STATIC_POD, '-n', NAMESPACE, '-o', path]);
      const answer = await fetch(`http://${ip}:8080/`, { signal: AbortSignal.timeout(1000) }).catch(() => undefined);
      return answer?.status === 200;
    },
    { ...patient, withinMs: 90_000 },
  );
}

export const nodeTrials = { 'node-taint': taint, 'node-restart': restart } as const;
