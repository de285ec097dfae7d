/** The webhook, asked by a real API server: what kubectl tells people, and what passes while the webhook is away. */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { chaosExperiments } from '@chaosplane/api';
import { mutatingWebhookConfigurations, pods } from '@chaosplane/kube';
import { eventually } from '@chaosplane/testkit/eventually';
import { writeTrust } from '../../src/webhook/trust.ts';
import { BAD, good } from './bad-experiments.ts';
import { addWorkload, deletePolicies, makeUnready, writePolicy } from './policies.ts';
import { openApiServerFixture, type ApiServerFixture, type Stage } from './stage.ts';
import { applyExperiment, openWebhook, said, type StagedWebhook } from './webhook-on-stage.ts';

jest.setTimeout(120_000);

let fixture: ApiServerFixture;
let stage: Stage;
let webhook: StagedWebhook | undefined;

beforeAll(async () => {
  fixture = await openApiServerFixture();
  stage = await fixture.stage({ nodes: 1 });
  webhook = await openWebhook(fixture, stage);
  expect(await writeTrust(stage.client, 'chaosplane', await webhook.trust())).toBe(false);
}, 600_000);
afterAll(async () => {
  await webhook?.close();
  await stage.close();
  await fixture.close();
}, 60_000);

/** What kubectl says. */
const apply = (name: string, changes: object, ...flags: readonly string[]): Promise<string> =>
  applyExperiment(fixture, stage, name, changes, ...flags);

const kubectl = (argv: readonly string[], input = ''): Promise<string> => said(fixture, argv, input);

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

test.each([[[]], [['--dry-run=server']]])(
  'the same for a schedule and its experiment (kubectl apply %j)',
  async (flags) => {
    const schedule = {
      ...{ apiVersion: 'chaos.chaosplane.io/v1alpha1', kind: 'ChaosSchedule' },
      metadata: { name: 'bad', namespace: stage.namespace },
    };
    const experiment = { ...good, action: { type: 'network-delay', parameters: { latency: 'soon' } } };
    const spec = { schedule: '0 0 31 2 *', timeZone: 'europe/berlin', experiment };
    const told = await kubectl(['apply', ...flags, '-f', '-'], JSON.stringify({ ...schedule, spec }));
    for (const problem of [
      '3 problems',
      'spec.schedule: no day or time is like that, so it would never run',
      'did you mean Europe/Berlin?',
      'spec.experiment.action.parameters.latency: "soon" is not a duration',
    ])
      expect(told).toContain(problem);
    const valid = { ...schedule, spec: { schedule: '@daily', experiment: good } };
    expect(await kubectl(['apply', '--dry-run=server', '-f', '-'], JSON.stringify(valid))).toContain(
      '(server dry run)',
    );
  },
);

test('what is valid passes, also with a name that the API server makes', async () => {
  expect(await apply('good', {})).toContain('created');
  const generated = {
    ...{ apiVersion: 'chaos.chaosplane.io/v1alpha1', kind: 'ChaosExperiment', spec: good },
    metadata: { generateName: 'some-', namespace: stage.namespace },
  };
  expect(await kubectl(['create', '-f', '-'], JSON.stringify(generated))).toContain('created');
});

describe('policies', () => {
  const web = { labelSelector: { matchLabels: { app: 'web' } } };
  const two = { target: { ...web, mode: 'fixed', value: 2 } };

  beforeAll(async () => {
    const [first] = await addWorkload(stage, 'web');
    await makeUnready(stage, first!);
  });
  afterEach(() => deletePolicies(stage));

  test('that forbid an experiment are told beside its other problems, with the numbers, also by a dry run on the server', async () => {
    const { namespace } = stage;
    await writePolicy(stage, 'least', { targetLimits: { minAvailable: 2 } });
    await writePolicy(stage, 'short', { actionLimits: { maxDuration: '10s' } });
    const all = { target: { ...web, mode: 'all' } };
    const least =
      `- policy ${namespace}-least, rule minAvailable: 0 of 3 pods of ReplicaSet ${namespace}/web would be available, ` +
      'fewer than 2: 3 hit by this experiment';
    const longer = `- policy ${namespace}-short, rule maxDuration: a duration of 30s is longer than 10s`;
    for (const flags of [[], ['--dry-run=server']]) {
      const told = await apply('refused', { ...all, injectionTimeout: '0s' }, ...flags);
      for (const line of ['3 problems:', '- spec.injectionTimeout: it is no time at all', least, longer])
        expect(told).toContain(line);
      expect(await apply('refused', all, ...flags)).toContain(`(Forbidden)`);
    }
    // Two of three: whichever are drawn.
    expect(await apply('drawn', { ...two, duration: '5s' }, '--dry-run=server')).toContain('denied the request');
    await deletePolicies(stage);
    expect(await apply('allowed', all, '--dry-run=server')).toContain('created');
  });

  test('count what other experiments hit', async () => {
    const { namespace, client } = stage;
    await writePolicy(stage, 'most', { targetLimits: { maxTargets: 2 } });
    expect(await apply('first', two)).toContain('created');
    const found = (await client.list(pods, { namespace, labelSelector: 'app=web' })).items.slice(0, 2);
    const targets = found.map(({ metadata: { name, uid } }) => ({ namespace, name, uid, state: 'Injected' }));
    const body = { status: { phase: 'Running', targets } };
    await client.patch(
      chaosExperiments,
      { namespace, name: 'first' },
      { kind: 'merge', body },
      { subresource: 'status' },
    );
    expect(await apply('second', { target: { ...web, mode: 'one' } })).toContain(
      `rule maxTargets: 3 targets at the same time would be more than 2: 1 of this experiment, 2 of ${namespace}/first`,
    );
    await client.delete(chaosExperiments, { namespace, name: 'first' });
  });

  test('that audit are warnings of kubectl, and so is what a dry run is told', async () => {
    const { namespace } = stage;
    await writePolicy(stage, 'look', { enforcement: 'Audit', targetLimits: { maxTargets: 0 } });
    const told = 'rule maxTargets: 1 target at the same time would be more than 0: 1 of this experiment';
    const one = { target: { ...web, mode: 'one' } };
    const warned = `Warning: policy ${namespace}-look (Audit), ${told}`;
    expect(await apply('audited', one, '--warnings-as-errors')).toContain(warned);
    expect(await kubectl(['get', 'chaosexperiment', 'audited', '-n', namespace])).toContain('audited');
    await writePolicy(stage, 'look', { targetLimits: { maxTargets: 0 } });
    const dry = { ...one, execution: { dryRun: true } };
    expect(await apply('dry', dry, '--warnings-as-errors')).toContain(
      `Warning: a run would be refused: policy ${namespace}-look, ${told}`,
    );
  });

  test('that halt keep a new experiment away until they do not', async () => {
    await writePolicy(stage, 'stop', { halt: true });
    expect(await apply('halted', { target: { ...web, mode: 'one' } })).toContain(
      'rule halt: halt is true, and 1 target of the experiment would be hit; nothing begins until it is false',
    );
    await writePolicy(stage, 'stop', { halt: false });
    expect(await apply('halted', { target: { ...web, mode: 'one' } })).toContain('created');
  });

  test('are told to the author who may hit the targets, and to no stranger', async () => {
    await writePolicy(stage, 'stop', { halt: true });
    const { namespace } = stage;
    await kubectl([
      'create',
      'role',
      'author',
      '-n',
      namespace,
      '--verb=create,get,patch',
      '--resource=chaosexperiments',
    ]);
    await kubectl(['create', 'rolebinding', 'author', '-n', namespace, '--role=author', '--user=mallory']);
    const told = await apply('spied', { target: { ...web, mode: 'one' } }, '--as=mallory');
    // Without the policy of admission, which would refuse it.
    expect(told).toMatch(/created\n?$/);
    const object = {
      apiVersion: 'chaos.chaosplane.io/v1alpha1',
      kind: 'ChaosExperiment',
      metadata: { name: 'x' },
      spec: { ...good, target: web },
    };
    const asked = {
      uid: 'r',
      operation: 'CREATE',
      namespace,
      object,
      userInfo: { username: 'x', groups: ['system:masters'] },
    };
    const review = JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: asked });
    expect(await answerTo('POST', '/review', review)).toBe('404 ');
    expect(await answerTo('POST', (await webhook!.trust()).path, review)).toContain('rule halt');
  });
});

/** What the server answers to who is no API server. */
async function answerTo(method: string, path: string, body = ''): Promise<string> {
  const asked = request({ host: webhook!.host, port: webhook!.port, method, path, rejectUnauthorized: false });
  asked.end(body);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return `${response.statusCode ?? 0} ${await text(response)}`;
}

test('the API server alone is read; a stranger is not, and nothing that is sent is kept', async () => {
  const { path } = await webhook!.trust();
  for (const asked of ['/', '/review', `${path}0`, '/review/0123456789abcdef0123456789abcdef'])
    expect(await answerTo('POST', asked, '{')).toBe('404 ');
  expect(await answerTo('GET', path)).toBe('404 ');
  expect(await answerTo('POST', path, '{')).toMatch(/^400 .*JSON/);
  expect(await answerTo('POST', path, '{}')).toMatch(/^400 .*an AdmissionReview of admission\.k8s\.io\/v1/);
  await expect(answerTo('POST', path, ' '.repeat(5 * 1024 * 1024)).catch(String)).resolves.toMatch(
    /^400 it has more than 4194304 bytes|ECONNRESET|EPIPE/,
  );
});

/** The certificate that the server shows. */
async function shown(): Promise<string> {
  const socket = connect({ host: webhook!.host, port: webhook!.port, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { raw } = socket.getPeerCertificate();
  socket.destroy();
  return new X509Certificate(raw).fingerprint256;
}

test('its certificate is replaced while it serves', async () => {
  const before = await shown();
  const { fingerprint256 } = new X509Certificate(await webhook!.renew());
  expect(before).not.toBe(fingerprint256);
  await eventually('it shows the new one', async () => (await shown()) === fingerprint256, { withinMs: 60_000 });
  // Under the path of before, until the API server is told.
  expect(await apply('bad', { duration: 'x' })).toContain('denied the request');
  expect(await writeTrust(stage.client, 'chaosplane', await webhook!.trust())).toBe(true);
  await eventually('it asks under the new path', async () =>
    (await apply('bad', { duration: 'x' })).includes('denied the request'),
  );
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
