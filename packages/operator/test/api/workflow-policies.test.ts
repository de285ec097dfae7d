/** What the webhook says of workflows, asked by a real API server: every problem, and what policies have against the sum of steps. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { API_VERSION } from '@chaosplane/api';
import { addWorkload, deletePolicies, writePolicy } from './policies.ts';
import { experiment } from './schedules.ts';
import { openApiServerFixture, type ApiServerFixture, type Stage } from './stage.ts';
import { openWebhook, said, type StagedWebhook } from './webhook-on-stage.ts';

jest.setTimeout(120_000);

let fixture: ApiServerFixture;
let stage: Stage;
let webhook: StagedWebhook | undefined;

beforeAll(async () => {
  fixture = await openApiServerFixture();
  stage = await fixture.stage({ nodes: 1 });
  await addWorkload(stage, 'web');
  webhook = await openWebhook(fixture, stage);
}, 600_000);
afterEach(() => deletePolicies(stage));
afterAll(async () => {
  await webhook?.close();
  await stage.close();
  await fixture.close();
}, 60_000);

/** What kubectl says to who applies a workflow. */
function apply(spec: object, ...flags: readonly string[]): Promise<string> {
  const metadata = { name: 'flow', namespace: stage.namespace };
  const object = JSON.stringify({ apiVersion: API_VERSION, kind: 'ChaosWorkflow', metadata, spec });
  return said(fixture, ['apply', ...flags, '-f', '-'], object);
}

const dryRun = (spec: object, ...flags: readonly string[]): Promise<string> =>
  apply(spec, '--dry-run=server', ...flags);

/** Which one of the three it is, is drawn. */
const one = { name: 'one', experiment: { ...experiment, target: { ...experiment.target, mode: 'one' } } };
const step = (name: string, ...dependencies: readonly string[]): object => ({ name, template: 'one', dependencies });
const floor = { targetLimits: { minAvailable: 2 } };

describe('two steps that each hit one of three pods, of which two are to be left', () => {
  beforeEach(() => writePolicy(stage, 'floor', floor));

  test.each([[[]], [['--dry-run=server']]])(
    'are refused side by side, with the sum (kubectl apply %j)',
    async (flags) => {
      const { namespace } = stage;
      const told = await apply({ templates: [one], steps: [step('a'), step('b')] }, ...flags);
      expect(told).toContain(
        `- policy ${namespace}-floor, rule minAvailable: step a beside step b: 1 of 3 pods of ReplicaSet ${namespace}/web ` +
          'would be available, fewer than 2: 1 hit by this experiment, 1 by others',
      );
      expect(told).toContain('(Forbidden)');
    },
  );

  test('are allowed one after the other, one at a time, and at the exit', async () => {
    const allowed = '(server dry run)';
    expect(await dryRun({ templates: [one], steps: [step('a'), step('b', 'a')] })).toContain(allowed);
    const execution = { maxParallelism: 1 };
    expect(await dryRun({ templates: [one], steps: [step('a'), step('b')], execution })).toContain(allowed);
    expect(await dryRun({ templates: [one], steps: [step('a')], onExit: [step('b')] })).toContain(allowed);
  });
});

test('a policy that audits the sum warns', async () => {
  await writePolicy(stage, 'look', { enforcement: 'Audit', ...floor });
  const told = await dryRun({ templates: [one], steps: [step('a'), step('b')] }, '--warnings-as-errors');
  expect(told).toContain(`Warning: policy ${stage.namespace}-look (Audit), rule minAvailable: step a beside step b: `);
});

test('one step that is too much by itself is named', async () => {
  await writePolicy(stage, 'short', { actionLimits: { maxDuration: '100ms' } });
  expect(await dryRun({ templates: [one], steps: [step('a')] })).toContain(
    'rule maxDuration: step a: a duration of 1s is longer than 100ms',
  );
});

test('every problem of a workflow is told, also what kubectl drops', async () => {
  const drops = { ...one.experiment, target: { labelSelector: { matchLabels: { app: null } } } };
  const told = await apply({
    templates: [
      { ...one, experiment: { ...drops, action: { type: 'network-delay', parameters: { latency: 'soon' } } } },
      { name: 'asks', condition: 'steps.nowhere.phase == "Failed"' },
    ],
    steps: [step('a', 'b'), { name: 'c', template: 'asks' }, { name: 'd', template: 'gone' }],
  });
  for (const problem of [
    'spec.steps.0.dependencies.0: there is no step b beside it',
    'spec.templates.0.experiment.target.labelSelector.matchLabels.app: it has no value',
    'spec.templates.0.experiment.action.parameters.latency: "soon" is not a duration',
    'spec.templates.1.condition: column',
    'spec.steps.2.template: there is no template gone; did you mean',
  ])
    expect(told).toContain(problem);
});

test('policies are told to the author who may hit all of it, and to no other', async () => {
  await writePolicy(stage, 'stop', { halt: true });
  const { namespace } = stage;
  const create = (...argv: readonly string[]): Promise<string> => said(fixture, ['create', ...argv]);
  await create('clusterrole', 'flows', '--verb=create,get,patch', '--resource=chaosworkflows');
  await create('clusterrole', 'kills', '--verb=delete', '--resource=pods');
  for (const role of ['flows', 'kills'])
    await create('rolebinding', role, '-n', namespace, `--clusterrole=${role}`, '--user=mallory');
  const there = {
    name: 'there',
    experiment: { ...experiment, target: { ...experiment.target, namespace: 'default' } },
  };
  const both = { templates: [one, there], steps: [step('a'), { name: 'b', template: 'there' }] };
  expect(await dryRun({ templates: [one], steps: [step('a')] }, '--as=mallory')).toContain('rule halt: step a');
  expect(await dryRun(both, '--as=mallory')).toContain('(server dry run)');
  expect(await dryRun(both)).toContain('rule halt: step a');
});

test('while it is away, workflows are created and deleted', async () => {
  await writePolicy(stage, 'stop', { halt: true });
  await webhook?.close();
  webhook = undefined;
  expect(await apply({ templates: [one], steps: [step('a')] })).toContain('created');
  expect(await said(fixture, ['delete', 'chaosworkflow', 'flow', '-n', stage.namespace])).toContain('deleted');
});
