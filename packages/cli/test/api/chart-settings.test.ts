/** Every setting of the chart changes what is rendered; unknown ones are refused; lint and Artifact Hub take the chart. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { CHART, openHelm, type Helm } from './helm.ts';

jest.setTimeout(120_000);

let helm: Helm;

beforeAll(async () => void (helm = await openHelm()), 60_000);
afterAll(() => helm.close());

const toleration = { key: 'dedicated', operator: 'Equal', value: 'chaos', effect: 'NoSchedule' };
const resources = { requests: { cpu: '1' } };
const spread = { maxSkew: 2, topologyKey: 'rack', whenUnsatisfiable: 'DoNotSchedule' };
const egress = { 'networkPolicy.egress.enabled': true };
const podMonitor = { 'metrics.podMonitor.enabled': true };
const serviceMonitor = { 'metrics.serviceMonitor.enabled': true };

/** Another valid value of each setting, and what else must be set so that it means something. */
const others: Readonly<Record<string, readonly [unknown, Readonly<Record<string, unknown>>?]>> = {
  'image.registry': ['registry.example'],
  'image.tag': ['2.0.0'],
  'image.pullPolicy': ['Always'],
  'image.pullSecrets': [['key']],
  clusterDomain: ['example.org'],
  'operator.replicas': [1],
  'operator.logLevel': ['debug'],
  'operator.allowLocalProbes': [true],
  'operator.resources': [resources],
  'operator.nodeSelector': [{ disk: 'ssd' }],
  'operator.tolerations': [[toleration]],
  'operator.affinity': [{ podAntiAffinity: {} }],
  'operator.topologySpreadConstraints': [[spread]],
  'operator.podDisruptionBudget.enabled': [false],
  'operator.priorityClassName': ['high'],
  'operator.experimentsPerNamespace': [7],
  'operator.extraArgs': [['--daemon-lease=60s']],
  'operator.podAnnotations': [{ some: 'annotation' }],
  'daemon.logLevel': ['debug'],
  'daemon.networkEngine': ['queue'],
  'daemon.allowNodeRestart': [true],
  'daemon.runtimeEndpoint': ['unix:///run/own.sock'],
  'daemon.runtimeFolders': [['/run/own']],
  'daemon.stateFolder': ['/var/lib/own'],
  'daemon.resources': [resources],
  'daemon.nodeSelector': [{ disk: 'ssd' }],
  'daemon.tolerations': [[toleration]],
  'daemon.priorityClassName': ['high'],
  'daemon.updateStrategy': [{ type: 'OnDelete' }],
  'daemon.extraArgs': [['--max-ttl=1h']],
  'daemon.podAnnotations': [{ some: 'annotation' }],
  'certificates.renewal.enabled': [false],
  'certificates.renewal.schedule': ['0 0 * * *'],
  'certificates.renewal.settle': ['7m'],
  'certManager.enabled': [true],
  'networkPolicy.enabled': [false],
  'networkPolicy.metricsFrom': [[{ podSelector: {} }]],
  'networkPolicy.egress.enabled': [true],
  'networkPolicy.egress.apiServer': [['192.0.2.0/24'], egress],
  'networkPolicy.egress.apiServerPorts': [[8443], egress],
  'networkPolicy.egress.dnsPorts': [[5353], egress],
  'networkPolicy.egress.operator': [[{ ports: [{ port: 9090 }] }], egress],
  'metrics.podMonitor.enabled': [true],
  'metrics.podMonitor.interval': ['7s', podMonitor],
  'metrics.podMonitor.labels': [{ release: 'own' }, podMonitor],
  'metrics.serviceMonitor.enabled': [true],
  'metrics.serviceMonitor.interval': ['7s', serviceMonitor],
  'metrics.serviceMonitor.labels': [{ release: 'own' }, serviceMonitor],
  'admission.requireRights': [false],
  'admission.webhook.enabled': [false],
  'rbac.aggregate': [false],
  'crds.apply': [false],
  'crds.keep': [false],
  'uninstall.timeout': ['7s'],
  'uninstall.deadlineSeconds': [77],
};

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
}

/** The paths of the maps whose keys are known, and of the settings. */
function pathsOf({ properties = {} }: Schema, prefix = ''): { readonly maps: string[]; readonly settings: string[] } {
  const inner = Object.entries(properties).map(([name, own]) =>
    own.properties === undefined ? { maps: [], settings: [`${prefix}${name}`] } : pathsOf(own, `${prefix}${name}.`),
  );
  return {
    maps: [prefix, ...inner.flatMap(({ maps }) => maps)],
    settings: inner.flatMap(({ settings }) => settings),
  };
}

const schema = async (): Promise<Schema> =>
  JSON.parse(await readFile(join(CHART, 'values.schema.json'), 'utf8')) as Schema;

test('another value of a setting is another chart, for each setting that there is', async () => {
  const { settings } = pathsOf(await schema());
  expect(Object.keys(others).sort()).toEqual(settings.filter((path) => path !== 'global').sort());
  const without = new Map<string, Promise<string>>();
  const same: string[] = [];
  for (const [path, [value, given = {}]] of Object.entries(others)) {
    const key = JSON.stringify(given);
    if (!without.has(key)) without.set(key, helm.render(given));
    if ((await without.get(key)) === (await helm.render({ ...given, [path]: value }))) same.push(path);
  }
  expect(same).toEqual([]);
});

test('an unknown key is refused, wherever it stands', async () => {
  const { maps } = pathsOf(await schema());
  expect(maps.length).toBeGreaterThan(10);
  for (const prefix of maps) {
    const refused = await helm.render({ [`${prefix}unknownKey`]: 1 }).catch(String);
    expect(refused).toMatch(/unknownKey.*not allowed|additional properties 'unknownKey'/);
  }
});

test('helm lint has nothing to say, strictly, with what is off as well', async () => {
  for (const set of [[], ['--set', 'certManager.enabled=true,networkPolicy.egress.enabled=true']]) {
    const said = await helm.run(['lint', '--strict', CHART, ...set]);
    expect(said).toContain('1 chart(s) linted, 0 chart(s) failed');
    expect(said).not.toMatch(/WARNING|ERROR/);
  }
});

interface Definition {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly names: { readonly kind: string }; readonly versions: readonly { readonly name: string }[] };
}

test('what Artifact Hub shows has its form, and names what the chart has', async () => {
  const chart = parse(await readFile(join(CHART, 'Chart.yaml'), 'utf8')) as {
    readonly annotations: Readonly<Record<string, string>>;
  };
  const listOf = (name: string): Record<string, string>[] =>
    parse(chart.annotations[`artifacthub.io/${name}`] ?? '') as Record<string, string>[];
  for (const each of listOf('changes')) {
    expect(['added', 'changed', 'deprecated', 'removed', 'fixed', 'security']).toContain(each['kind']);
    expect(each['description']).toMatch(/^[A-Za-z].*[^.]$/);
  }
  for (const { name, url = '' } of listOf('links')) {
    expect(name).toMatch(/\w/);
    const [, path = ''] = /^https:\/\/github\.com\/chaosplane\/chaosplane\/blob\/main\/(.+)$/.exec(url) ?? [];
    await expect(readFile(join(CHART, '../..', path), 'utf8')).resolves.toMatch(/^(<!--|# )/);
  }
  const used = new Set((await helm.render()).match(/(?<=image: )\S+/g));
  expect(new Set(listOf('images').map(({ image }) => image))).toEqual(used);
  const files = await readdir(join(CHART, 'crds'));
  const definitions = (await Promise.all(files.map((file) => readFile(join(CHART, 'crds', file), 'utf8'))))
    .flatMap((text) => parseAllDocuments(text))
    .map((document) => document.toJS() as Definition)
    .map(({ metadata: { name }, spec }) => ({ name, kind: spec.names.kind, version: spec.versions[0]?.name }));
  const byName = (one: { name?: string | undefined }, other: { name?: string | undefined }): number =>
    (one.name ?? '') < (other.name ?? '') ? -1 : 1;
  const shown = listOf('crds').map(({ name, kind, version }) => ({ name, kind, version }));
  expect(shown.sort(byName)).toEqual(definitions.sort(byName));
  for (const { displayName, description } of listOf('crds'))
    expect([displayName, description]).not.toContain(undefined);
  expect(chart.annotations['artifacthub.io/license']).toBe('Apache-2.0');
});
