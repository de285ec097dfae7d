/** The webhook, asked by a real API server: what kubectl tells people, and what passes while the webhook is away. */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { createLogger, systemClock } from '@chaosplane/common';
import { loadCluster, mutatingWebhookConfigurations } from '@chaosplane/kube';
import { addressTowards } from '@chaosplane/testcluster';
import { eventually } from '@chaosplane/testkit/eventually';
import { parseAllDocuments } from 'yaml';
import { createAuthority, issueServer } from '../../src/certificates/issue.ts';
import { serveWebhook, type WebhookServer } from '../../src/webhook/server.ts';
import { writeTrust } from '../../src/webhook/trust.ts';
import { openApiServerFixture, type ApiServerFixture, type Stage } from './stage.ts';

jest.setTimeout(120_000);

const CHART = join(import.meta.dirname, '../../../../charts/chaosplane');

let fixture: ApiServerFixture;
let stage: Stage;
let webhook: WebhookServer | undefined;
let files: { readonly certificate: string; readonly key: string; readonly ca: string };
let authority: Awaited<ReturnType<typeof createAuthority>>;

let host: string;

const serve = (): Promise<WebhookServer> =>
  serveWebhook(
    { listen: { host, port: 0 }, ...files },
    { clock: systemClock, logger: createLogger({ level: 'silent' }), onTurned: () => undefined },
  );

const portOf = ({ address }: WebhookServer): number => Number(address.split(':').at(-1));

interface Rendered {
  readonly kind: string;
  readonly spec?: { readonly selector?: object };
}

async function issueFiles(): Promise<string> {
  const pair = await issueServer(authority, {
    commonName: 'webhook',
    dnsNames: [`chaosplane-webhook.${stage.namespace}.svc`],
    now: Date.now(),
  });
  await writeFile(files.certificate, pair.certificate);
  await writeFile(files.key, pair.key);
  return pair.certificate;
}

beforeAll(async () => {
  fixture = await openApiServerFixture();
  stage = await fixture.stage({ nodes: 0 });
  authority = await createAuthority({ now: Date.now() });
  const at = (name: string): string => join(fixture.folder, name);
  files = { certificate: at('webhook.crt'), key: at('webhook.key'), ca: at('webhook-ca.crt') };
  await writeFile(files.ca, authority.certificate);
  await issueFiles();
  host = await addressTowards(new URL(loadCluster({ kubeconfig: fixture.cluster.kubeconfig }).server).hostname);
  webhook = await serve();
  await register(portOf(webhook));
}, 600_000);
afterAll(async () => {
  await webhook?.close();
  await stage.close();
  await fixture.close();
}, 60_000);

/** The configuration of the chart, and a Service without pods that leads to this process. */
async function register(port: number): Promise<void> {
  const { namespace } = stage;
  const argv = ['-s', 'templates/operator/webhook.yaml', '--set', 'admission.webhook.enabled=true'];
  const rendered = await fixture.cluster.helm(['template', CHART, '-n', namespace, ...argv]);
  const objects = parseAllDocuments(rendered).map((document) => document.toJS() as Rendered);
  const [service, configuration] = ['Service', 'MutatingWebhookConfiguration'].map((wanted) =>
    objects.find(({ kind }) => kind === wanted)!,
  );
  const { selector: _pods, ...spec } = service!.spec!;
  const slice = {
    ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4' },
    metadata: { name: 'webhook', namespace, labels: { 'kubernetes.io/service-name': 'chaosplane-webhook' } },
    endpoints: [{ addresses: [host], conditions: { ready: true } }],
    ports: [{ name: 'https', port }],
  };
  for (const object of [{ ...service, spec }, slice, configuration])
    await fixture.cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify(object) });
  // Before it is trusted nothing is asked: the connection fails, and that is ignored.
  const ca = Buffer.from(authority.certificate);
  expect(await writeTrust(stage.client, 'chaosplane', ca)).toBe(true);
  expect(await writeTrust(stage.client, 'chaosplane', ca)).toBe(false);
  await eventually('the API server asks', async () =>
    (await apply('asked', { duration: 'x' })).includes('denied the request'),
  );
}

const good = {
  target: { labelSelector: { matchLabels: { app: 'web' } } },
  action: { type: 'network-delay', parameters: { latency: '100ms' } },
  duration: '30s',
};

/** What kubectl says. */
async function apply(name: string, changes: object, ...flags: readonly string[]): Promise<string> {
  const object = {
    ...{ apiVersion: 'chaos.chaosplane.io/v1alpha1', kind: 'ChaosExperiment' },
    metadata: { name, namespace: stage.namespace },
    spec: { ...good, ...changes },
  };
  return kubectl(['apply', ...flags, '-f', '-'], JSON.stringify(object));
}

async function kubectl(argv: readonly string[], input = ''): Promise<string> {
  return fixture.cluster.kubectl(argv, { input }).catch((error: unknown) => String(error));
}

/** A change of the experiment, and a part of the problem that it is. */
type Bad = readonly [changes: object, problem: string];

const targets: readonly Bad[] = [
  [{ mode: 'all' }, 'spec.target: nothing says which targets are meant'],
  [{ names: ['a'], mode: 'fixed' }, 'spec.target.value: mode fixed needs a value'],
  [{ names: ['a'], mode: 'one', value: 1 }, 'spec.target.value: mode one takes no value'],
  [{ names: ['a'], mode: 'fixed-percent', value: 101 }, 'spec.target.value: 101 is more than 100 percent'],
  [{ kind: 'Node', names: ['n'], namespace: 'shop' }, 'spec.target.namespace: nodes have no namespace'],
  [{ names: ['A_b'] }, 'spec.target.names.0: '],
  [{ names: ['a'], namespace: 'Team-B' }, 'spec.target.namespace: "Team-B" is not the name of a namespace'],
  [{ names: ['a'], namespace: ' shop' }, 'spec.target.namespace: " shop" is not the name of a namespace'],
  [{ labelSelector: { matchLabels: { 'a b': 'x' } } }, '"a b" is not the name of a label'],
  [
    { labelSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] } },
    'matchExpressions.0.values: In needs values',
  ],
];

const network = (parameters: object): object => ({ type: 'network-delay', parameters });
const actions: readonly Bad[] = [
  [{ type: 'network-lag' }, 'spec.action.type: "network-lag" is not an action'],
  [network({}), 'spec.action.parameters.latency: it is required'],
  [network({ latency: 'soon' }), 'spec.action.parameters.latency: "soon"'],
  [network({ latency: '1ms', jiter: '1ms' }), '"jiter" is not a parameter; did you mean jitter?'],
  [network({ latency: '1ms', direction: 'up' }), 'spec.action.parameters.direction: "up"'],
  [network({ latency: '1ms', peers: '10.0.0.0/33' }), 'spec.action.parameters.peers: '],
  [{ type: 'network-loss', parameters: { percent: 101 } }, 'spec.action.parameters.percent: '],
  [{ type: 'pod-http-abort', parameters: { port: 80, statusCode: 99 } }, 'spec.action.parameters.statusCode: '],
];

const others: readonly Bad[] = [
  [{ duration: '30' }, 'spec.duration: "30" has no unit'],
  [{ duration: '24h' }, 'spec.duration: it is out of range'],
  [{ injectionTimeout: '0s' }, 'spec.injectionTimeout: it is no time at all'],
  [{ steadyState: { before: [{ type: 'http', url: 'shop' }] } }, 'spec.steadyState.before.0.url: it is not a URL'],
  [
    { steadyState: { after: [{ type: 'k8s', kind: 'Pod', ready: { count: 1 } }] } },
    'nothing says which objects are meant',
  ],
  [
    { steadyState: { during: [{ type: 'http', url: 'http://s/', interval: '10ms' }] } },
    'spec.steadyState.during.0.interval: it is out of range',
  ],
  [
    { steadyState: { during: [{ type: 'http', url: 'http://s/', tolerance: {} }] } },
    'spec.steadyState.during.0.tolerance: it says nothing',
  ],
  [
    {
      abortConditions: [
        { type: 'prometheus', url: 'http://p/api/v1/query', query: 'up', expect: { operator: '<', value: 1 } },
      ],
    },
    'spec.abortConditions.0.url: the path /api/v1/query is added to it',
  ],
  [{ peers: [{ cidr: '10.0.0.0/33' }] }, 'spec.peers.0'],
];

/** Forty experiments, each with three problems in three places. */
const BAD = Array.from({ length: 40 }, (_, index): readonly [changes: object, problems: readonly string[]] => {
  const [target, action, other] = [targets[index % 10]!, actions[index % 8]!, others[index % 9]!];
  return [{ target: target[0], action: action[0], ...other[0] }, [target[1], action[1], other[1]]];
});

test('kubectl apply, and its dry run on the server, name every problem at once', async () => {
  for (const [index, [changes, problems]] of BAD.entries())
    for (const flags of [[], ['--dry-run=server']]) {
      const told = await apply(`bad-${index}`, changes, ...flags);
      expect(told).toContain(`admission webhook "resources.chaosplane.io" denied the request: `);
      for (const problem of problems) expect(told).toContain(problem);
    }
  const policy = { apiVersion: 'chaos.chaosplane.io/v1alpha1', kind: 'BlastRadiusPolicy', metadata: { name: 'bad' } };
  const spec = {
    targetLimits: { maxTargets: -1, maxPercentage: 101 },
    actionLimits: { allowedActions: ['network-lag'] },
  };
  const told = await kubectl(['apply', '-f', '-'], JSON.stringify({ ...policy, spec }));
  for (const problem of ['3 problems', 'maxTargets', 'maxPercentage', 'allowedActions.0'])
    expect(told).toContain(problem);
});

test('what is valid passes, also with a name that the API server makes', async () => {
  expect(await apply('good', {})).toContain('created');
  const generated = {
    ...{ apiVersion: 'chaos.chaosplane.io/v1alpha1', kind: 'ChaosExperiment', spec: good },
    metadata: { generateName: 'some-', namespace: stage.namespace },
  };
  expect(await kubectl(['create', '-f', '-'], JSON.stringify(generated))).toContain('created');
});

/** What the server answers to who is no API server. */
async function answerTo(method: string, path: string, body = ''): Promise<string> {
  const asked = request({ host, port: portOf(webhook!), method, path, rejectUnauthorized: false });
  asked.end(body);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return `${response.statusCode ?? 0} ${await text(response)}`;
}

test('others are told what there is, and nothing that they send is kept', async () => {
  expect(await answerTo('GET', '/')).toBe('404 there is POST /review\n');
  expect(await answerTo('GET', '/review')).toBe('404 there is POST /review\n');
  expect(await answerTo('POST', '/review', '{')).toMatch(/^400 .*JSON/);
  expect(await answerTo('POST', '/review', '{}')).toMatch(/^400 .*an AdmissionReview of admission\.k8s\.io\/v1/);
  await expect(answerTo('POST', '/review', ' '.repeat(5 * 1024 * 1024)).catch(String)).resolves.toMatch(
    /^400 it has more than 4194304 bytes|ECONNRESET|EPIPE/,
  );
});

/** The certificate that the server shows. */
async function shown(): Promise<string> {
  const socket = connect({ host, port: portOf(webhook!), rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { raw } = socket.getPeerCertificate();
  socket.destroy();
  return new X509Certificate(raw).fingerprint256;
}

test('its certificate is replaced while it serves', async () => {
  const before = await shown();
  const { fingerprint256 } = new X509Certificate(await issueFiles());
  expect(before).not.toBe(fingerprint256);
  await eventually('it shows the new one', async () => (await shown()) === fingerprint256, { withinMs: 60_000 });
  expect(await apply('bad', { duration: 'x' })).toContain('denied the request');
});

test('while it is away, experiments are begun, aborted, changed in their metadata and deleted, and the schema still holds', async () => {
  const { namespace } = stage;
  await webhook!.close();
  webhook = undefined;
  expect(await apply('away', {})).toContain('created');
  expect(await apply('wrong', { duration: 'soon' })).toMatch(/spec\.duration: Invalid value/);
  const name = ['-n', namespace, 'chaosexperiment', 'away'] as const;
  expect(await kubectl(['annotate', ...name, 'chaosplane.io/abort=true'])).toContain('annotated');
  expect(await kubectl(['label', ...name, 'a=b'])).toContain('labeled');
  const finalizers = JSON.stringify({ metadata: { finalizers: null } });
  expect(await kubectl(['patch', ...name, '--type=merge', '-p', finalizers])).toContain('patched');
  expect(await kubectl(['delete', ...name])).toContain('deleted');
  expect(await stage.client.get(mutatingWebhookConfigurations, { name: 'chaosplane' })).toBeDefined();
});
