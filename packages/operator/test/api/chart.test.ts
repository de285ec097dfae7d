/** What helm renders, on a real API server: what each account may do, which pods a restricted namespace takes, and certificates by cert-manager. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { isForbidden, namespaces, pods, type KubeClient, type Pod } from '@chaosplane/kube';
import { shutdownMs } from '@chaosplane/daemon/shutdown';
import { flatRights, rightsOf, rightsPage, type Holder, type Right } from '@chaosplane/testcluster/rights';
import { eventually } from '@chaosplane/testkit/eventually';
import { parseAllDocuments } from 'yaml';
import { SHUTDOWN_MS } from '../../src/shutdown.ts';
import { clientAs } from './chart-rights.ts';
import { makeBareNamespace, openApiServerFixture, type ApiServerFixture } from './stage.ts';

jest.setTimeout(180_000);

const ROOT = join(import.meta.dirname, '../../../..');
const NAMESPACE = 'chart-on-stage';
const MONITORS = 'monitoring.coreos.com';

let fixture: ApiServerFixture;
let client: KubeClient;
let rendered: string;

beforeAll(async () => {
  fixture = await openApiServerFixture();
  ({ client } = fixture);
  await makeBareNamespace(client, NAMESPACE);
  rendered = await render(NAMESPACE);
  await fixture.cluster.kubectl(['apply', '--validate=strict', '-f', '-'], { input: rendered });
}, 600_000);
afterAll(async () => {
  await client.delete(namespaces, { name: NAMESPACE });
  await fixture.close();
}, 60_000);

const render = (namespace: string, ...set: readonly string[]): Promise<string> =>
  fixture.cluster.helm([
    ...['template', 'chaosplane', join(ROOT, 'charts/chaosplane'), '-n', namespace],
    ...set.flatMap((each) => ['--set', each]),
  ]);

interface Answered {
  readonly status: {
    readonly resourceRules: readonly {
      readonly verbs: readonly string[];
      readonly apiGroups?: readonly string[];
      readonly resources?: readonly string[];
      readonly resourceNames?: readonly string[];
    }[];
  };
}

/** What the API server says that an account may do in a namespace: everything, also what is good everywhere. */
async function told(account: string, namespace: string): Promise<readonly string[]> {
  const asking = clientAs(fixture.cluster, `system:serviceaccount:${NAMESPACE}:${account}`);
  const body = { kind: 'SelfSubjectRulesReview', apiVersion: 'authorization.k8s.io/v1', spec: { namespace } };
  const path = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews';
  const { status } = (await asking.raw('POST', path, body)) as Answered;
  return flatRights(
    status.resourceRules.map(({ verbs, apiGroups: groups = [], resources = [], resourceNames: names = [] }) => {
      return { scope: 'cluster', groups, resources, verbs, ...(names.length === 0 ? {} : { names }) };
    }),
  );
}

/** What every account may do, which has no role: for example to ask what it may do. */
const common = async (namespace: string): Promise<ReadonlySet<string>> => new Set(await told('default', namespace));

const everywhere = (rights: readonly Right[]): Right[] => rights.map((right) => ({ ...right, scope: 'cluster' }));

const accounts = (holders: readonly Holder[]): readonly Holder[] =>
  holders.filter(({ kind }) => kind === 'ServiceAccount');

/** What an account of a chart must never have. */
const FORBIDDEN = [
  /\*\/|\/\*| \*$/,
  /^cluster \/secrets /,
  /\/secrets \S+ (list|watch)$/,
  /\/pods\/(exec|attach|portforward|ephemeralcontainers)\b/,
  /\/nodes\/proxy\b/,
  /\/serviceaccounts\/token\b/,
  / (escalate|bind|impersonate|approve|sign)$/,
  /rbac\.authorization\.k8s\.io\/\S+ \S+ (create|update|patch|delete)/,
];

describe('rights', () => {
  test('of each account are what the chart says, by the API server, and what docs/rights.md says; with and without roles for users', async () => {
    const holders = rightsOf(rendered);
    expect(accounts(holders).map(({ name }) => name)).toEqual([
      ...['chaosplane-certificates', 'chaosplane-certificates-renewal', 'chaosplane-daemon', 'chaosplane-definitions'],
      ...['chaosplane-operator', 'chaosplane-uninstall'],
    ]);
    for (const { name, rights } of accounts(holders)) {
      for (const [namespace, good] of [
        [NAMESPACE, rights],
        ['default', rights.filter(({ scope }) => scope === 'cluster')],
      ] as const) {
        const known = await common(namespace);
        const wanted = flatRights(everywhere(good));
        await eventually(`what ${name} may do in ${namespace}`, async () => {
          const found = (await told(name, namespace)).filter((line) => !known.has(line));
          return found.join('\n') === wanted.filter((line) => !known.has(line)).join('\n') ? true : undefined;
        });
      }
    }
    const page = rightsPage(holders);
    process.stdout.write(`${page}\n`);
    expect(await readFile(join(ROOT, 'docs/rights.md'), 'utf8')).toBe(page);
    const without = rightsOf(await render(NAMESPACE, 'rbac.aggregate=false'));
    expect(without).toEqual(accounts(holders));
  });

  test('have no wildcard, no Secrets of the whole cluster, no way into pods or kubelets, and none to more rights; each has its reason', async () => {
    for (const set of [[], ['certManager.enabled=true'], ['admission.webhook.enabled=false']])
      for (const { name, rights } of rightsOf(await render(NAMESPACE, ...set))) {
        const forbidden = flatRights(rights).filter((line) => FORBIDDEN.some((rule) => rule.test(line)));
        expect({ name, forbidden }).toEqual({ name, forbidden: [] });
        expect(rights.filter(({ reason }) => reason === '')).toEqual([]);
      }
  });

  test('are refused by the API server where they are not given', async () => {
    for (const { name } of accounts(rightsOf(rendered))) {
      const asking = clientAs(fixture.cluster, `system:serviceaccount:${NAMESPACE}:${name}`);
      for (const path of [
        '/api/v1/secrets',
        `/api/v1/namespaces/${NAMESPACE}/secrets`,
        '/api/v1/namespaces/kube-system/secrets/any',
        '/api/v1/nodes/any/proxy/pods',
        '/api/v1/namespaces/default/configmaps',
      ])
        expect(isForbidden(await asking.raw('GET', path).catch((error: unknown) => error))).toBe(true);
      const exec = '/api/v1/namespaces/default/pods/any/exec';
      expect(isForbidden(await asking.raw('POST', exec).catch((error: unknown) => error))).toBe(true);
    }
  });
});

interface Template {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: {
    readonly template?: PodTemplate;
    readonly jobTemplate?: { readonly spec: { readonly template: PodTemplate } };
  };
}
type PodTemplate = Pick<Pod, 'spec'> & { readonly metadata: { readonly labels: Readonly<Record<string, string>> } };

interface Graceful {
  readonly terminationGracePeriodSeconds?: number;
}

const objectsOf = (text: string): Template[] =>
  parseAllDocuments(text).flatMap((document) => (document.toJS() as Template | null) ?? []);

/** What a namespace of that level says to the pods of each template: `taken`, or why not. */
async function takenAt(level: string): Promise<Record<string, string>> {
  const namespace = `${NAMESPACE}-${level}`;
  await makeBareNamespace(client, namespace);
  try {
    const labels = { 'pod-security.kubernetes.io/enforce': level };
    await client.patch(namespaces, { name: namespace }, { kind: 'merge', body: { metadata: { labels } } });
    const objects = objectsOf(await render(namespace));
    const own = objects.filter(({ kind }) => kind === 'ServiceAccount').map((object) => JSON.stringify(object));
    await fixture.cluster.kubectl(['apply', '-f', '-'], { input: own.join('\n') });
    const answers: Record<string, string> = {};
    for (const { kind, metadata, spec } of objects) {
      const template = spec?.template ?? spec?.jobTemplate?.spec.template;
      if (template === undefined) continue;
      const pod = { ...template, metadata: { ...template.metadata, namespace, name: metadata.name } };
      answers[`${kind} ${metadata.name}`] = await client.create(pods, pod, { dryRun: true }).then(
        () => 'taken',
        (error: unknown) => String(error),
      );
    }
    return answers;
  } finally {
    await client.delete(namespaces, { name: namespace });
  }
}

test('a restricted namespace takes every pod but the daemon, which needs a privileged one', async () => {
  const restricted = await takenAt('restricted');
  const daemon = 'DaemonSet chaosplane-daemon';
  const others = Object.keys(restricted).filter((name) => name !== daemon);
  expect(others.sort()).toEqual([
    'CronJob chaosplane-certificates-renewal',
    'Deployment chaosplane-operator',
    'Job chaosplane-certificates',
    'Job chaosplane-definitions',
    'Job chaosplane-uninstall',
  ]);
  expect(others.filter((name) => restricted[name] !== 'taken')).toEqual([]);
  expect(restricted[daemon]).toMatch(/violates PodSecurity "restricted:latest": .*privileged/);
  expect((await takenAt('baseline'))[daemon]).toMatch(/"baseline:latest": .*hostPID=true/);
  expect((await takenAt('privileged'))[daemon]).toBe('taken');
});

test('a pod has the time that its program takes to end at most, and five seconds more; a daemon that undoes has longer', async () => {
  const graceOf = async (...set: readonly string[]): Promise<(number | undefined)[]> => {
    const objects = objectsOf(await render(NAMESPACE, ...set));
    const specs = ['Deployment', 'DaemonSet'].map((wanted) => objects.find(({ kind }) => kind === wanted)?.spec);
    return specs.map((spec) => (spec?.template?.spec as Graceful | undefined)?.terminationGracePeriodSeconds);
  };
  const seconds = (ms: number): number => ms / 1000 + 5;
  const operator = seconds(SHUTDOWN_MS);
  expect(await graceOf()).toEqual([operator, seconds(shutdownMs('keep'))]);
  expect(await graceOf('daemon.extraArgs={--on-stop=undo}')).toEqual([operator, seconds(shutdownMs('undo'))]);
});

/** What is read of a NetworkPolicy. */
interface Policy {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly ingress?: readonly { readonly from?: readonly object[]; readonly ports: readonly { port: string }[] }[];
    readonly egress?: readonly object[];
  };
}
const policiesOf = (objects: readonly object[]): Policy[] =>
  (objects as Policy[]).filter(({ kind }) => kind === 'NetworkPolicy');

/** By policy and port: who is let in. */
const letIn = (objects: readonly object[]): Record<string, Record<string, unknown>> =>
  Object.fromEntries(
    policiesOf(objects).map(({ metadata, spec: { ingress = [] } }) => [
      metadata.name,
      Object.fromEntries(ingress.flatMap(({ from = 'all', ports }) => ports.map(({ port }) => [port, from] as const))),
    ]),
  );

test('a pod reaches the commands only as the operator, and pages only as metricsFrom says, where it says something', async () => {
  const labels = { 'app.kubernetes.io/component': 'operator' };
  const operator = [{ podSelector: { matchLabels: expect.objectContaining(labels) as unknown } }];
  const rendered = objectsOf(await render(NAMESPACE));
  expect(letIn(rendered)).toEqual({
    'chaosplane-daemon': { grpc: operator, health: 'all', http: 'all' },
    'chaosplane-operator': { http: 'all', webhook: 'all' },
    'chaosplane-hooks': {},
  });
  const from = [{ namespaceSelector: { matchLabels: { a: 'b' } } }];
  const set = ['networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.a=b'];
  expect(letIn(objectsOf(await render(NAMESPACE, ...set, 'admission.webhook.enabled=false')))).toEqual({
    'chaosplane-daemon': { grpc: operator, http: from },
    'chaosplane-operator': { http: from },
    'chaosplane-hooks': {},
  });
  // Policies are not about pods in the node's network.
  const specs = rendered.flatMap(({ spec }) => spec?.template?.spec ?? spec?.jobTemplate?.spec.template.spec ?? []);
  expect(specs).toHaveLength(6);
  for (const spec of specs) expect(spec).not.toHaveProperty('hostNetwork');
});

test('with egress all pods reach cluster DNS on the ports of its pods', async () => {
  const egressOf = async (...set: readonly string[]): Promise<unknown[]> => {
    const objects = objectsOf(await render(NAMESPACE, 'networkPolicy.egress.enabled=true', ...set));
    return policiesOf(objects).map(({ spec }) => spec.egress?.[0]);
  };
  const portsOf = (...ports: readonly number[]): object => ({
    ports: ports.flatMap((port) => ['UDP', 'TCP'].map((protocol) => ({ port, protocol }))),
  });
  expect(await egressOf()).toEqual(Array.from({ length: 3 }, () => portsOf(53)));
  const both = await egressOf('networkPolicy.egress.dnsPorts={53,5353}');
  expect(both).toEqual(Array.from({ length: 3 }, () => portsOf(53, 5353)));
});

test('with everything on, the API server takes every object, strictly', async () => {
  const set = [
    'networkPolicy.egress.enabled=true',
    'networkPolicy.egress.apiServer={192.0.2.0/24}',
    'networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.a=b',
  ];
  const input = await render(NAMESPACE, ...set, 'metrics.serviceMonitor.enabled=true');
  const own = objectsOf(input).filter((object) => !JSON.stringify(object).includes(MONITORS));
  const argv = ['apply', '--dry-run=server', '--validate=strict', '-f', '-'];
  const said = await fixture.cluster.kubectl(argv, { input: own.map((object) => JSON.stringify(object)).join('\n') });
  expect(said.split('\n').filter((line) => line.startsWith('networkpolicy'))).toHaveLength(3);
  expect(said).toContain('poddisruptionbudget.policy/chaosplane-operator');
  expect(said.split('\n')).toHaveLength(own.length);
});
