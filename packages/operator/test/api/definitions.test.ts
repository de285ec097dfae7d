/** The resource definitions on a real API server, written with the rights that the chart gives to its hook. */
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { allKinds } from '@chaosplane/api';
import { createLogger, systemClock } from '@chaosplane/common';
import { createKubeClient, resourceType, type KubeClient, type KubeObject } from '@chaosplane/kube';
import { loadCluster } from '@chaosplane/kube/config';
import { eventually } from '@chaosplane/testkit/eventually';
import { parseAllDocuments } from 'yaml';
import { applyDefinitions, removeDefinitions } from '../../src/definitions/index.ts';
import { customResourceDefinitions, type Definition, type Schema } from '../../src/definitions/definition.ts';
import { openApiServerFixture, type ApiServerFixture, type Stage } from './stage.ts';

jest.setTimeout(120_000);

const CHART = join(import.meta.dirname, '../../../../charts/chaosplane');
const timeoutMs = 60_000;

let fixture: ApiServerFixture;
let stage: Stage;
/** As the Job of the hook. */
let hook: KubeClient;
/** What the hook reads. */
let ours: readonly Definition[];

const log: string[] = [];
const logger = createLogger({ level: 'info', destination: { write: (line) => void log.push(line) } });
const parts = (client: KubeClient) => ({ client, clock: systemClock, logger });

beforeAll(async () => {
  fixture = await openApiServerFixture();
  stage = await fixture.stage({ nodes: 1 });
  const { namespace } = stage;
  const rendered = await fixture.cluster.helm([
    ...['template', CHART, '-n', namespace, '-s', 'templates/hooks/definitions.yaml'],
  ]);
  const objects = parseAllDocuments(rendered).map((document) => document.toJS() as KubeObject & { data?: object });
  const texts = objects.flatMap(({ kind, data }) =>
    kind === 'ConfigMap' ? (Object.values(data ?? {}) as string[]) : [],
  );
  ours = texts.map((text) => JSON.parse(text) as Definition);
  const rights = objects.filter(({ kind }) => kind.startsWith('ClusterRole'));
  await fixture.cluster.kubectl(['apply', '-f', '-'], { input: rights.map((one) => JSON.stringify(one)).join('\n') });
  hook = as(`system:serviceaccount:${namespace}:chaosplane-definitions`);
}, 600_000);
afterAll(async () => {
  for (const { metadata } of [storm(), ...ours]) await stage.client.delete(customResourceDefinitions, metadata);
  await stage.close();
  await fixture.close();
}, 60_000);

/** A client that may do what this user may. */
function as(user: string): KubeClient {
  const config = loadCluster({ kubeconfig: fixture.cluster.kubeconfig });
  return createKubeClient({
    ...config,
    async credentials() {
      const options = await config.credentials();
      return { ...options, headers: Object.assign({}, options.headers, { 'Impersonate-User': user }) };
    },
  });
}

const found = async (name: string) => (await stage.client.get(customResourceDefinitions, { name }))!;

/** What kubectl says of a field, with nothing in its own cache: an older document may be kept there. */
async function explain(field: string, { spec: { group, versions } }: Definition): Promise<string> {
  const cache = await mkdtemp(join(fixture.folder, 'kubectl-'));
  const version = `--api-version=${group}/${versions[0]!.name}`;
  return fixture.cluster.kubectl(['explain', field, version, `--cache-dir=${cache}`]);
}

/** A definition of no one else, so that the files of tests beside this one keep theirs. */
function storm(fields: Readonly<Record<string, Schema>> = {}): Definition {
  const spec: Schema = { type: 'object', properties: { wind: { type: 'integer', maximum: 5 }, ...fields } };
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec } } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'storms.definitions.test' },
    spec: {
      group: 'definitions.test',
      scope: 'Namespaced',
      names: { kind: 'Storm', plural: 'storms' },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  };
}
interface Storm extends KubeObject {
  readonly spec: Readonly<Record<string, unknown>>;
}
const storms = resourceType<Storm>({
  apiVersion: 'definitions.test/v1',
  kind: 'Storm',
  plural: 'storms',
  namespaced: true,
});

test('with the rights of the hook alone, those of the chart are created, and are served as soon as that is over', async () => {
  await removeDefinitions(allKinds, parts(stage.client), { timeoutMs });
  expect(log.join('')).toContain('resource definitions are removed');
  await eventually('the rights are known', async () =>
    hook.get(customResourceDefinitions, ours[0]!.metadata).then(
      () => true,
      () => undefined,
    ),
  );
  await applyDefinitions(ours, parts(hook), { timeoutMs });
  const lists = ours.map(({ spec: { group, names, scope, versions } }) =>
    resourceType({ apiVersion: `${group}/${versions[0]!.name}`, ...names, namespaced: scope === 'Namespaced' }),
  );
  expect(await Promise.all(lists.map(async (type) => (await stage.client.list(type)).items))).toEqual(
    ours.map(() => []),
  );
  expect(await explain('chaosexperiments.spec.action.parameters', ours[0]!)).toContain('network-delay');
});

test('written again, they stay as they are', async () => {
  const before = await Promise.all(ours.map(({ metadata: { name } }) => found(name)));
  await applyDefinitions(ours, parts(hook), { timeoutMs });
  const after = await Promise.all(ours.map(({ metadata: { name } }) => found(name)));
  expect(after.map(({ metadata }) => metadata.resourceVersion)).toEqual(
    before.map(({ metadata }) => metadata.resourceVersion),
  );
});

test('what helm and kubectl have written is taken over', async () => {
  const { name } = ours[0]!.metadata;
  const before = await found(name);
  const versions = before.spec.versions.map((version) => ({ ...version, additionalPrinterColumns: [] }));
  const patch = { kind: 'merge', body: { spec: { versions } } } as const;
  for (const fieldManager of ['helm', 'kubectl'])
    await stage.client.patch(customResourceDefinitions, { name }, patch, { fieldManager });
  expect((await found(name)).spec).not.toEqual(before.spec);
  await applyDefinitions(ours, parts(hook), { timeoutMs });
  expect((await found(name)).spec).toEqual(before.spec);
});

test('the hook may write no other definition, and remove none', async () => {
  await expect(applyDefinitions([storm()], parts(hook), { timeoutMs })).rejects.toThrow(
    /storms\.definitions\.test.* forbidden/,
  );
  await expect(hook.delete(customResourceDefinitions, ours[0]!.metadata)).rejects.toThrow(/forbidden/);
  await expect(hook.list(customResourceDefinitions)).rejects.toThrow(/forbidden/);
});

test('a field of a newer definition survives an older one, which lets it be written no longer by default', async () => {
  const { namespace } = stage;
  const metadata = { name: 'first', namespace };
  const newer = storm({ rain: { type: 'string' }, calm: { type: 'boolean', default: true } });
  await applyDefinitions([newer], parts(stage.client), { timeoutMs });
  const spec = { wind: 3, rain: 'much' };
  expect((await stage.client.create(storms, { metadata, spec })).spec).toEqual({ ...spec, calm: true });

  log.length = 0;
  await applyDefinitions([storm()], parts(stage.client), { timeoutMs });
  expect(log.join('')).toMatch(/"kept":\["v1 spec\.calm","v1 spec\.rain"\]/);
  const patch = { kind: 'merge', body: { spec: { wind: 4 } } } as const;
  expect((await stage.client.patch(storms, metadata, patch)).spec).toEqual({ wind: 4, rain: 'much', calm: true });
  const second = { ...metadata, name: 'second' };
  expect((await stage.client.create(storms, { metadata: second, spec: { wind: 3 } })).spec).toEqual({ wind: 3 });

  await applyDefinitions([newer], parts(stage.client), { timeoutMs });
  expect((await stage.client.get(storms, second))?.spec).toEqual({ wind: 3, calm: true });
});

test('a field is served as soon as its definition was written, each time', async () => {
  for (const index of Array.from({ length: 5 }).keys()) {
    const name = `field${index}`;
    await applyDefinitions([storm({ [name]: { type: 'string' } })], parts(stage.client), { timeoutMs });
    expect(await explain(`storms.spec.${name}`, storm())).toContain(name);
    const metadata = { name, namespace: stage.namespace };
    const { spec } = await stage.client.create(storms, { metadata, spec: { [name]: 'kept' } });
    expect(spec).toMatchObject({ [name]: 'kept' });
  }
});

test('one that the API server does not accept is told by its reason, within the time', async () => {
  const taken = { ...storm(), metadata: { name: 'gales.definitions.test' } };
  const spec = { ...taken.spec, names: { kind: 'Storm', plural: 'gales' } };
  await expect(applyDefinitions([{ ...taken, spec }], parts(stage.client), { timeoutMs: 2_000 })).rejects.toThrow(
    /gales\.definitions\.test: it is not NamesAccepted: .*Storm/,
  );
  await stage.client.delete(customResourceDefinitions, taken.metadata);
});

test('definitions go with their objects; an object that a finalizer holds is named, and does not make it wait for ever', async () => {
  const metadata = { name: 'held', namespace: stage.namespace, finalizers: ['example.org/stays'] };
  await stage.client.create(storms, { metadata, spec: {} });
  log.length = 0;
  await removeDefinitions([storms], parts(stage.client), { timeoutMs: 2_000 });
  expect(log.join('')).toContain(`"held":["${stage.namespace}/held: example.org/stays"]`);
  const patch = { kind: 'merge', body: { metadata: { finalizers: null } } } as const;
  await stage.client.patch(storms, metadata, patch);
  log.length = 0;
  await removeDefinitions([storms], parts(stage.client), { timeoutMs });
  expect(log.join('')).toContain('resource definitions are removed');
  expect(await stage.client.get(customResourceDefinitions, { name: 'storms.definitions.test' })).toBeUndefined();
});
