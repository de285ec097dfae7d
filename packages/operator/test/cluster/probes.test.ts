/** Pods with every kind of probe under faults: by default none of them is restarted for it, and all are where probes are not spared. */
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { pods as podKind, type Container, type Pod, type Probe } from '@chaosplane/kube';
import { APP_IMAGE } from '@chaosplane/testbed';
import {
  patient,
  sharedInstallation,
  isEffective,
  NAMESPACE,
  type Installation,
} from '@chaosplane/testcluster/installation';
import { eventually } from '@chaosplane/testkit/eventually';

jest.setTimeout(240_000);

/** By pod: the fault that it has, of which no probe would be answered in time. */
const faults = {
  aborted: { type: 'pod-http-abort', parameters: { port: 8080, reset: true } },
  cut: { type: 'network-partition', parameters: {} },
  lost: { type: 'network-loss', parameters: { percent: 100 } },
  slow: { type: 'network-delay', parameters: { latency: '3s' } },
} as const;
type Name = keyof typeof faults;
const names = Object.keys(faults) as Name[];

/** A probe that fails in time restarts its container after four seconds. */
const often = { periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 4 };
/** So many probes of each container have to pass while the faults are in force: three times what a restart takes. */
const PROBES = 12;

const container = (name: string, args: readonly string[], livenessProbe: Probe, more: Partial<Container> = {}) => ({
  name,
  image: APP_IMAGE,
  imagePullPolicy: 'Never',
  args,
  livenessProbe: { ...often, ...livenessProbe },
  ...more,
});

const podOf = (name: string): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: NAMESPACE },
  spec: {
    nodeName: 'n1',
    terminationGracePeriodSeconds: 0,
    initContainers: [
      {
        ...container('sidecar', ['serve', '--listen', ':8083'], { httpGet: { port: 8083 } }),
        restartPolicy: 'Always',
        startupProbe: { ...often, tcpSocket: { port: 8083 } },
      },
    ],
    containers: [
      container(
        'named',
        ['serve'],
        { httpGet: { port: 'web' } },
        {
          ports: [{ name: 'web', containerPort: 8080 }],
          readinessProbe: { ...often, httpGet: { port: 'web' } },
        },
      ),
      container('tcp', ['serve', '--listen', ':8081'], { tcpSocket: { port: 8081 } }),
      container('grpc', ['health', '--listen', ':8082'], { grpc: { port: 8082 } }),
    ],
  },
});
const CONTAINERS = ['sidecar', 'named', 'tcp', 'grpc'] as const;

let shop: Installation;
let urls: string[];
let clean: Readonly<Record<string, string>>;

beforeAll(async () => {
  shop = await sharedInstallation();
  await shop.addApps({ name: 'caller', node: 'n2' });
  const input = names.map((name) => JSON.stringify(podOf(name))).join('\n');
  await shop.cluster.kubectl(['apply', '-f', '-'], { input });
  await ready();
  urls = await Promise.all(names.map(async (name) => `http://${await shop.ipOf(name)}:8080/`));
  clean = await prints();
}, 900_000);
afterAll(() => shop.close(), 60_000);

async function ready(): Promise<void> {
  const wait = ['wait', '--for=condition=Ready', '--timeout=120s', '-n', NAMESPACE];
  await shop.cluster.kubectl([...wait, ...names.map((name) => `pod/${name}`)]);
}

type Prints = Readonly<Record<string, string>>;

const withoutListeners = (all: Prints): Prints =>
  Object.fromEntries(Object.entries(all).map(([name, text]) => [name, text.replace(/^tcp LISTEN .*\n/gm, '')]));

async function prints(): Promise<Prints> {
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await shop.print(name)] as const)));
}

const get = (name: string): Promise<Pod | undefined> => shop.client.get(podKind, { namespace: NAMESPACE, name });

/** By pod and container: how often it was restarted. */
async function restarts(): Promise<Record<string, number>> {
  const found = await Promise.all(names.map(async (name) => ({ name, status: (await get(name))?.status })));
  return Object.fromEntries(
    found.flatMap(({ name, status = {} }) =>
      [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].map((one): [string, number] => [
        `${name}/${one.name}`,
        one.restartCount,
      ]),
    ),
  );
}

/** Since when each pod is ready, as Kubernetes tells it. */
async function readySince(): Promise<(string | undefined)[]> {
  const found = await Promise.all(names.map(get));
  return found.map(
    (pod) =>
      pod?.status?.conditions?.find(({ type, status }) => type === 'Ready' && status === 'True')?.lastTransitionTime,
  );
}

/** By pod and container: how many liveness probes have passed so far, as the kubelet counts them. */
async function passed(): Promise<Map<string, number>> {
  const text = await shop.cluster.kubectl(['get', '--raw', '/api/v1/nodes/n1/proxy/metrics/probes']);
  return new Map(
    text.split('\n').flatMap((line): [string, number][] => {
      if (!/^prober_probe_total\{.*probe_type="Liveness".*result="successful"/.test(line)) return [];
      const label = (name: string): string => new RegExp(`[{,]${name}="([^"]*)"`).exec(line)?.[1] ?? '';
      return [[`${label('pod')}/${label('container')}`, Number(line.split(' ').at(-1))]];
    }),
  );
}

const every = names.flatMap((name) => CONTAINERS.map((one) => `${name}/${one}`));

async function begin(parameters: object): Promise<void> {
  for (const name of names) {
    const { type, parameters: own } = faults[name];
    const action = { type, parameters: { ...own, ...parameters } };
    await shop.apply(name, { target: { names: [name] }, action, duration: '10m' });
  }
  for (const name of names) {
    const { status } = await shop.until(name, isEffective);
    expect(status).toMatchObject({ phase: 'Running', counts: { targets: 1, injected: 1, missed: 0 } });
  }
}

async function end(): Promise<void> {
  for (const name of names) await shop.remove(name);
  // A container that is just restarted does not listen yet. All else is as it was at once.
  expect(withoutListeners(await prints())).toEqual(withoutListeners(clean));
  await ready();
  const same = { ...patient, is: (found: Prints) => isDeepStrictEqual(found, clean) };
  await eventually('all listen again', prints, same).catch(() => undefined);
  expect(await prints()).toEqual(clean);
}

/** How many requests of the caller are answered in time, by pod. */
async function answered(): Promise<number[]> {
  return (await shop.probe('caller', urls, { count: 3 })).map((outcome) => outcome.answered);
}

test('by default no container is restarted and no pod is unready, although a caller gets no answer', async () => {
  expect(await answered()).toEqual([3, 3, 3, 3]);
  const [before, since] = [await restarts(), await readySince()];
  expect(Object.keys(before).sort()).toEqual([...every].sort());
  await begin({});
  const counts = await passed();
  expect(await answered()).toEqual([0, 0, 0, 0]);
  await eventually(
    `${PROBES} probes of each container have passed`,
    async () => {
      expect(await restarts()).toEqual(before);
      const now = await passed();
      const enough = every.every((one) => (now.get(one) ?? 0) >= (counts.get(one) ?? Infinity) + PROBES);
      return enough ? true : undefined;
    },
    patient,
  );
  expect(await answered()).toEqual([0, 0, 0, 0]);
  expect(await restarts()).toEqual(before);
  expect(await readySince()).toEqual(since);
  await end();
});

test('where probes are not spared, every container is restarted whose probe the fault hits', async () => {
  const before = await restarts();
  await begin({ spareProbes: false });
  const hit = every.filter((one) => !one.startsWith('aborted/') || one === 'aborted/named');
  await eventually(
    'they are restarted',
    async () => {
      const now = await restarts();
      return hit.every((one) => (now[one] ?? 0) > (before[one] ?? Infinity)) ? true : undefined;
    },
    patient,
  );
  const now = await restarts();
  const spared = every.filter((one) => !hit.includes(one));
  expect(spared.map((one) => now[one])).toEqual(spared.map((one) => before[one]));
  await end();
  expect(await answered()).toEqual([3, 3, 3, 3]);
});
