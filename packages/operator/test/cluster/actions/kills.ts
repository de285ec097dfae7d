/** Trials of what happens once to a container or a pod: which processes there are before, and afterwards. */
import { expect } from '@jest/globals';
import { pods, type Pod } from '@chaosplane/kube';
import { APP_IMAGE } from '@chaosplane/testbed';
import { NAMESPACE, patient, type Installation } from '@chaosplane/testcluster/installation';
import { eventually } from '@chaosplane/testkit/eventually';
import { processesOf } from '../containers.ts';
import { podNamed, podRef, TARGET_NODE } from './places.ts';
import { measured, trial } from './trial.ts';

interface RunningPod {
  readonly uid: string;
  readonly containers: Readonly<
    Record<string, { readonly id: string; readonly restarts: number; readonly processes: number }>
  >;
}

/** The pod, as soon as what the kubelet says of each of its containers is true on this machine. */
async function running(shop: Installation, name: string): Promise<RunningPod> {
  return eventually(
    `all of ${name} runs`,
    async () => {
      const { metadata, status } = (await shop.client.get(pods, podRef(name))) ?? {};
      const containers = (status?.containerStatuses ?? []).map(({ name: each, containerID: id = '', restartCount }) => {
        return [each, { id, restarts: restartCount, processes: processesOf(id).length }] as const;
      });
      const whole = containers.length > 0 && containers.every(([, { processes }]) => processes > 0);
      return whole ? { uid: metadata?.uid ?? '', containers: Object.fromEntries(containers) } : undefined;
    },
    patient,
  );
}

const containerKill = trial(({ shop }) =>
  measured({
    target: podNamed('killed'),
    node: TARGET_NODE,
    parameters: { containerName: 'http' },
    measure: () => running(shop, 'killed'),
    felt(now, before) {
      expect(now.uid).toBe(before.uid);
      expect(now.containers['udp']).toEqual(before.containers['udp']);
      expect(now.containers['http']?.id).not.toBe(before.containers['http']?.id);
      expect(now.containers['http']?.restarts).toBe((before.containers['http']?.restarts ?? Number.NaN) + 1);
    },
    back: (after, before) => expect(Object.keys(after.containers)).toEqual(Object.keys(before.containers)),
    residue: () => shop.print('killed'),
  }),
);

const helloWorld = trial(({ shop }) =>
  measured({
    target: podNamed('greeted'),
    node: TARGET_NODE,
    measure: () => running(shop, 'greeted'),
    felt(now, before, { status }) {
      expect(now).toEqual(before);
      const { counters = {}, summary = '' } = status?.targets?.[0]?.evidence ?? {};
      const processes = now.containers['http']?.processes ?? Number.NaN;
      // The container's own ps sees itself.
      expect(counters['processes']).toBe(summary.includes('listed by ps aux') ? processes + 1 : processes);
    },
    back: (after, before) => expect(after).toEqual(before),
    residue: () => shop.print('greeted'),
  }),
);

const REPLICAS = 2;
const many = {
  ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'many', namespace: NAMESPACE } },
  spec: {
    replicas: REPLICAS,
    selector: { matchLabels: { app: 'many' } },
    template: {
      metadata: { labels: { app: 'many' } },
      spec: {
        nodeSelector: { 'kubernetes.io/hostname': TARGET_NODE },
        terminationGracePeriodSeconds: 0,
        containers: [{ name: 'http', image: APP_IMAGE, imagePullPolicy: 'Never', args: ['serve'] }],
      },
    },
  },
};

const podKill = trial(({ shop }) =>
  measured({
    target: { labelSelector: { matchLabels: { app: 'many' } } },
    node: TARGET_NODE,
    async prepare() {
      await shop.cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify(many) });
      await shop.cluster.kubectl(['rollout', 'status', 'deployment/many', '-n', NAMESPACE, '--timeout=90s']);
    },
    /** The pods that run and stay, as soon as there are all: name → uid. */
    measure: () =>
      eventually(
        'the Deployment has all of its pods',
        async () => {
          const { items } = await shop.client.list(pods, { namespace: NAMESPACE, labelSelector: 'app=many' });
          const ready = items.filter(isReady).map(({ metadata: { name, uid = '' } }) => [name, uid] as const);
          return ready.length === REPLICAS && items.length === REPLICAS ? Object.fromEntries(ready) : undefined;
        },
        patient,
      ),
    felt(now, before, { status }) {
      const { name: killed = '', uid } = status?.targets?.[0] ?? {};
      expect(before[killed]).toBe(uid);
      expect(Object.values(now)).not.toContain(uid);
      expect(Object.keys(now).filter((name) => name in before)).toHaveLength(REPLICAS - 1);
    },
    back: (after, before) => expect(Object.keys(after)).toHaveLength(Object.keys(before).length),
  }),
);

const isReady = ({ metadata, status }: Pod): boolean =>
  metadata.deletionTimestamp === undefined &&
  status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;

/** The pods that are hit by their names, on TARGET_NODE. */
export const killedPods = ['killed', 'greeted'] as const;

export const killTrials = {
  'container-kill': containerKill,
  'hello-world': helloWorld,
  'pod-kill': podKill,
} as const;
