/** What the webhook answers to reviews. */
import { describe, expect, test } from '@jest/globals';
import type { Finding } from '@chaosplane/lifecycle';
import { answerReview, type JudgePolicies } from './review.ts';

const API = 'chaos.chaosplane.io/v1alpha1';
const good = {
  target: { labelSelector: { matchLabels: { app: 'web' } } },
  action: { type: 'network-delay', parameters: { latency: '100ms' } },
  duration: '30s',
};

function reviewOf(object: object, namespace = 'shop'): object {
  const request = { uid: 'r-1', operation: 'CREATE', namespace, object, userInfo: { username: 'alice' } };
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request };
}

const experiment = (spec: unknown, metadata: object = { name: 'slow' }): object => ({
  ...{ apiVersion: API, kind: 'ChaosExperiment', metadata, spec },
});
const policy = (spec: unknown): object => ({
  apiVersion: API,
  kind: 'BlastRadiusPolicy',
  metadata: { name: 'p' },
  spec,
});

const flow = { templates: [{ name: 'slow', experiment: good }], steps: [{ name: 'a', template: 'slow' }] };

/** Why an object is refused; undefined when it is not. */
async function refused(object: object): Promise<string | undefined> {
  const { apiVersion, kind, response } = await answerReview(reviewOf(object), async () => []);
  expect([apiVersion, kind, response.uid]).toEqual(['admission.k8s.io/v1', 'AdmissionReview', 'r-1']);
  expect(response.allowed).toBe(response.status === undefined);
  if (response.status !== undefined) expect(response.status).toMatchObject({ code: 422, reason: 'Invalid' });
  return response.status?.message;
}

describe('a review', () => {
  test.each<[what: string, object: object]>([
    ['an experiment that is valid', experiment(good)],
    ['one whose name the API server makes', experiment(good, { generateName: 'slow-' })],
    [
      'one with what Kubernetes adds',
      { ...experiment(good, { name: 'slow', uid: 'u', managedFields: [] }), status: {} },
    ],
    ['a policy that is valid', policy({ targetLimits: { maxTargets: 1 } })],
    ['a schedule that is valid', { ...experiment({ schedule: '@daily', experiment: good }), kind: 'ChaosSchedule' }],
    ['a workflow that is valid', { ...experiment(flow), kind: 'ChaosWorkflow' }],
    ['a shard', { ...experiment(good), kind: 'ChaosExperimentShard' }],
    ['another kind', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' } }],
    ['a version that is not known here', { ...experiment({}), apiVersion: 'chaos.chaosplane.io/v9' }],
  ])('of %s is allowed', async (_what, object) => {
    expect(await refused(object)).toBeUndefined();
  });

  test('names every problem of a schedule, and those of its experiment', async () => {
    const spec = {
      schedule: '0 0 * * 7',
      timeZone: 'utc',
      experiment: { ...good, duration: '30', action: { type: 'network-delay', parameters: { latency: 'soon' } } },
    };
    const told = (await refused({ ...experiment(spec), kind: 'ChaosSchedule' }))?.split('\n') ?? [];
    expect(told.map((line) => line.replace(/; allowed: .*/, ''))).toEqual([
      '4 problems:',
      '  - spec.schedule: the day of the week "7" is above 6',
      '  - spec.timeZone: "utc" is not a time zone; did you mean UTC?',
      '  - spec.experiment.duration: "30" has no unit',
      '  - spec.experiment.action.parameters.latency: "soon" is not a duration',
    ]);
  });

  test('names every problem of a workflow, and policies judge one without any', async () => {
    const wrong = { ...good, duration: '30' };
    const spec = { templates: [{ name: 'slow', experiment: wrong }], steps: [{ name: 'a', template: 'slo' }] };
    const object = { ...experiment(spec), kind: 'ChaosWorkflow' };
    expect(await refused(object)).toContain('spec.steps.0.template: there is no template slo; did you mean slow?');
    const judged: unknown[] = [];
    const judge: JudgePolicies = async (wanted) => (judged.push(wanted), []);
    await answerReview(reviewOf(object), judge);
    await answerReview(reviewOf({ ...experiment(flow), kind: 'ChaosWorkflow' }), judge);
    expect(judged).toEqual([expect.objectContaining({ steps: [expect.objectContaining({ kind: 'experiment' })] })]);
  });

  test('of a schedule tells what kubectl apply dropped from its experiment', async () => {
    const spec = { schedule: '@daily', experiment: { ...good, target: { labelSelector: { matchLabels: {} } } } };
    const nulled = { ...good, target: { labelSelector: { matchLabels: { app: null } } } };
    const applied = { ...experiment({ ...spec, experiment: nulled }), kind: 'ChaosSchedule' };
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(applied) };
    const object = { ...experiment(spec, { name: 'nightly', annotations }), kind: 'ChaosSchedule' };
    expect(await refused(object)).toContain('spec.experiment.target.labelSelector.matchLabels.app: it has no value');
  });

  test('names every problem of an experiment, with what is allowed: fields, parameters, and what goes together', async () => {
    const spec = {
      target: { mode: 'fixed' },
      action: { type: 'network-delay', parameters: { latency: 'soon', jiter: '1ms' } },
      duration: '30',
      abortConditions: [{ type: 'http', url: 'shop' }],
    };
    const told = (await refused(experiment(spec)))?.split('\n') ?? [];
    expect(told.map((line) => line.replace(/; allowed: .*/, '; allowed: …'))).toEqual([
      '6 problems:',
      '  - spec.target: nothing says which targets are meant; allowed: …',
      '  - spec.target.value: mode fixed needs a value; allowed: …',
      '  - spec.duration: "30" has no unit; allowed: …',
      '  - spec.abortConditions.0.url: it is not a URL; allowed: …',
      '  - spec.action.parameters: "jiter" is not a parameter; did you mean jitter?; allowed: …',
      '  - spec.action.parameters.latency: "soon" is not a duration; allowed: …',
    ]);
  });

  test('names every problem of a policy', async () => {
    const told = await refused(policy({ targetLimits: { maxTargets: -1 }, enforcment: 'Audit' }));
    expect(told).toMatch(
      /^2 problems:\n {2}- spec\.targetLimits\.maxTargets: .*\n {2}- spec: "enforcment" is not known here; did you mean enforcement\?/,
    );
  });

  test('takes what kubectl left out of an object for what its file says', async () => {
    const applied = { spec: { ...good, target: { labelSelector: { matchLabels: { app: null } } } } };
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(applied) };
    const object = experiment(
      { ...good, target: { labelSelector: { matchLabels: {} } } },
      { name: 'slow', annotations },
    );
    expect(await refused(object)).toMatch(/spec\.target\.labelSelector\.matchLabels\.app: it has no value/);
  });

  test.each([
    ['nothing', undefined],
    ['a text', 'x'],
    ['another version', { ...reviewOf({}), apiVersion: 'admission.k8s.io/v1beta1' }],
    ['one without an object', { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: { uid: 'r' } }],
  ])('that is %s is none', async (_what, document) => {
    await expect(answerReview(document, async () => [])).rejects.toThrow('an AdmissionReview of admission.k8s.io/v1');
  });
});

describe('policies', () => {
  const finding = (policyName: string, rule: string, enforcement: Finding['enforcement'] = 'Enforce'): Finding => ({
    ...{ policy: policyName, rule, enforcement, message: 'too much' },
  });
  const answer = async (object: object, judge: JudgePolicies) => (await answerReview(reviewOf(object), judge)).response;

  test('that forbid an experiment are told in one answer with every other problem', async () => {
    const judge = async () => [finding('shop', 'maxTargets'), finding('shop', 'halt')];
    const bad = { ...good, action: { type: 'network-delay', parameters: { latency: 'soon' } }, peers: [{}] };
    const { allowed, status } = await answer(experiment(bad), judge);
    expect([allowed, status?.code, status?.reason]).toEqual([false, 422, 'Invalid']);
    expect(status?.message).toMatch(
      /^4 problems:\n {2}- spec\.peers\.0.*\n {2}- spec\.action\.parameters\.latency.*\n {2}- policy shop, rule maxTargets: too much\n {2}- policy shop, rule halt: too much$/,
    );
    expect(await answer(experiment(good), judge)).toMatchObject({
      allowed: false,
      status: { code: 403, reason: 'Forbidden' },
    });
  });

  test('that audit warn', async () => {
    const { allowed, warnings } = await answer(experiment(good), async () => [finding('shop', 'maxTargets', 'Audit')]);
    expect([allowed, warnings]).toEqual([true, ['policy shop (Audit), rule maxTargets: too much']]);
  });

  test('that forbid what a dry run would do are told, and the dry run goes on', async () => {
    const dry = experiment({ ...good, execution: { dryRun: true } });
    const { allowed, warnings } = await answer(dry, async () => [finding('shop', 'maxTargets')]);
    expect([allowed, warnings]).toEqual([true, ['a run would be refused: policy shop, rule maxTargets: too much']]);
  });

  test.each<[what: string, judge: JudgePolicies, why: string]>([
    ['are not known', async () => undefined, 'at this moment; they'],
    ['cannot be read', () => Promise.reject(new Error('it took too long')), 'at this moment: it took too long; they'],
  ])('that %s refuse nothing here, and that is told', async (_what, judge, why) => {
    const { allowed, warnings = [] } = await answer(experiment(good), judge);
    expect([allowed, warnings.length]).toEqual([true, 1]);
    expect(warnings[0]).toContain(`the policies of the cluster are not known ${why} are judged before`);
  });

  test('are asked about what the document says of targets, action and duration', async () => {
    const asked: unknown[] = [];
    const judge: JudgePolicies = async (what, by) => void asked.push(what, by);
    await answer(experiment({ ...good, duration: '1m', steadyState: 'x' }), judge);
    expect(asked).toMatchObject([
      { target: { namespace: 'shop', mode: 'one' }, action: { type: 'network-delay' }, duration: 60_000 },
      { key: 'shop/slow', user: { username: 'alice' } },
    ]);
    // Without them nothing can be judged, and nothing is about a policy itself.
    for (const object of [experiment({ ...good, duration: 'x' }), policy({ halt: true })]) await answer(object, judge);
    expect(asked).toHaveLength(2);
  });
});
