/** What helm renders: the settings of what `kubectl exec` starts in the daemon's container, and the monitors of Prometheus. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { engineOption, runtimeOption, stateDirOption } from '@chaosplane/daemon/flags';
import { parse, parseAllDocuments } from 'yaml';
import { CHART, openHelm, type Helm } from './helm.ts';

let helm: Helm;

beforeAll(async () => void (helm = await openHelm()), 60_000);
afterAll(() => helm.close());

interface Container {
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value?: string }[];
}

/** The container of the daemon, with these values set. */
async function daemonWith(...values: readonly string[]): Promise<Container> {
  const argv = [
    'template',
    CHART,
    '-s',
    'templates/daemon/daemonset.yaml',
    ...values.flatMap((each) => ['--set', each]),
  ];
  const set = parse(await helm.run(argv)) as { spec: { template: { spec: { containers: [Container] } } } };
  return set.spec.template.spec.containers[0];
}

test('state folder, runtime endpoint and engine are in the environment, where both programs look for them', async () => {
  const { args, env } = await daemonWith('daemon.runtimeEndpoint=unix:///run/own.sock', 'daemon.networkEngine=tap');
  const values = new Map(env.map(({ name, value }) => [name, value]));
  const settings = [stateDirOption, runtimeOption, engineOption];
  expect(settings.map(({ envVar = '' }) => values.get(envVar))).toEqual([
    '/var/lib/chaosplane',
    'unix:///run/own.sock',
    'tap',
  ]);
  // An argument would win over the environment, and be the daemon's alone.
  for (const { long = '' } of settings) expect(args.filter((each) => each.startsWith(long))).toEqual([]);
});

test('an endpoint that the values do not set is not there, so that it is looked for', async () => {
  const { env } = await daemonWith();
  expect(env.map(({ name }) => name)).not.toContain(runtimeOption.envVar);
});

interface Rendered {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: {
    readonly selector?: unknown;
    readonly podMetricsEndpoints?: unknown;
    readonly endpoints?: unknown;
    readonly template?: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: { readonly containers: readonly { readonly ports?: readonly { readonly name: string }[] }[] };
    };
  };
}

/** Every object of the chart, with these values set. */
async function rendered(...values: readonly string[]): Promise<Rendered[]> {
  const argv = ['template', 'try', CHART, ...values.flatMap((each) => ['--set', each])];
  return parseAllDocuments(await helm.run(argv)).flatMap((document) => (document.toJS() as Rendered | null) ?? []);
}

const MONITORED = ['operator', 'daemon'];
const selector = {
  matchLabels: { 'app.kubernetes.io/name': 'chaosplane', 'app.kubernetes.io/instance': 'try' },
  matchExpressions: [{ key: 'app.kubernetes.io/component', operator: 'In', values: MONITORED }],
};
const endpoints = [{ port: 'http', path: '/metrics', interval: '15s' }];
const isMonitoring = ({ apiVersion }: Rendered): boolean => apiVersion.startsWith('monitoring.coreos.com/');

test('there are no monitors unless they are asked for, because their definitions may not be there', async () => {
  expect((await rendered()).filter(isMonitoring)).toEqual([]);
});

test('a PodMonitor selects the pods of operator and daemons, which have the port that it names', async () => {
  const set = ['enabled=true', 'interval=15s', 'labels.release=prometheus'];
  const objects = await rendered(...set.map((each) => `metrics.podMonitor.${each}`));
  const [monitor, ...others] = objects.filter(isMonitoring);
  expect(others).toEqual([]);
  expect(monitor).toMatchObject({ kind: 'PodMonitor', spec: { selector, podMetricsEndpoints: endpoints } });
  expect(monitor?.metadata.labels).toMatchObject({ release: 'prometheus' });
  const pods = objects.flatMap(({ kind, spec }) =>
    ['Deployment', 'DaemonSet'].includes(kind) && spec?.template !== undefined ? [spec.template] : [],
  );
  expect(pods.map(({ metadata }) => metadata.labels['app.kubernetes.io/component']).sort()).toEqual(
    MONITORED.toSorted(),
  );
  for (const pod of pods) {
    expect(pod.metadata.labels).toMatchObject(selector.matchLabels);
    expect(pod.spec.containers.flatMap(({ ports = [] }) => ports.map(({ name }) => name))).toContain('http');
  }
});

test('a ServiceMonitor selects a Service for each of them', async () => {
  const objects = await rendered('metrics.serviceMonitor.enabled=true', 'metrics.serviceMonitor.interval=15s');
  expect(objects.filter(isMonitoring)).toMatchObject([{ kind: 'ServiceMonitor', spec: { selector, endpoints } }]);
  const services = objects.filter(({ kind, metadata }) => kind === 'Service' && metadata.name.endsWith('-metrics'));
  expect(services).toMatchObject(
    MONITORED.map((component) => ({
      metadata: { labels: { ...selector.matchLabels, 'app.kubernetes.io/component': component } },
      spec: { selector: { 'app.kubernetes.io/component': component } },
    })),
  );
});

test('both would scrape each pod twice, and are refused', async () => {
  const both = ['podMonitor', 'serviceMonitor'].map((name) => `metrics.${name}.enabled=true`);
  await expect(rendered(...both)).rejects.toThrow(/would be scraped twice: enable one of them/);
});

test('the webhook has its Service, its configuration, its certificate and its rights, and nothing of it is there where it is not wanted', async () => {
  const without = JSON.stringify(await rendered('admission.webhook.enabled=false'));
  // The rights of the hooks on a Secret that is not there change nothing.
  expect(without.replaceAll('chaosplane-webhook-tls', '')).not.toMatch(/webhook|subjectaccessreviews/i);
  const objects = await rendered();
  const names = objects.filter((object) => /webhook/.test(object.metadata.name)).map(({ kind }) => kind);
  expect(names).toEqual(['Service']);
  expect(objects.filter(({ kind }) => kind === 'MutatingWebhookConfiguration')).toMatchObject([
    {
      metadata: { name: 'chaosplane' },
      webhooks: [{ failurePolicy: 'Ignore', sideEffects: 'None', matchConditions: [{ name: 'spec-is-new' }] }],
    },
  ]);
  const text = JSON.stringify(objects);
  expect(text).toContain('"--webhook-service=chaosplane-webhook"');
  expect(text).toContain('"--webhook-certificate=/etc/chaosplane/webhook/tls.crt"');
  expect(text).toContain(
    '"resources":["mutatingwebhookconfigurations"],"resourceNames":["chaosplane"],"verbs":["get","patch"]',
  );
  expect(text).toContain('"resources":["subjectaccessreviews"],"verbs":["create"]');
});
