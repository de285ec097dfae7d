/** What the webhook answers to reviews. */
import { describe, expect, test } from '@jest/globals';
import { answerReview } from './review.ts';

const API = 'chaos.chaosplane.io/v1alpha1';
const good = {
  target: { labelSelector: { matchLabels: { app: 'web' } } },
  action: { type: 'network-delay', parameters: { latency: '100ms' } },
  duration: '30s',
};

function reviewOf(object: object, namespace = 'shop'): object {
  const request = { uid: 'r-1', operation: 'CREATE', namespace, object };
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

/** Why an object is refused; undefined when it is not. */
function refused(object: object): string | undefined {
  const { apiVersion, kind, response } = answerReview(reviewOf(object));
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
    ['a shard', { ...experiment(good), kind: 'ChaosExperimentShard' }],
    ['another kind', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' } }],
    ['a version that is not known here', { ...experiment({}), apiVersion: 'chaos.chaosplane.io/v9' }],
  ])('of %s is allowed', (_what, object) => {
    expect(refused(object)).toBeUndefined();
  });

  test('names every problem of an experiment, with what is allowed: fields, parameters, and what goes together', () => {
    const spec = {
      target: { mode: 'fixed' },
      action: { type: 'network-delay', parameters: { latency: 'soon', jiter: '1ms' } },
      duration: '30',
      abortConditions: [{ type: 'http', url: 'shop' }],
    };
    const told = refused(experiment(spec))?.split('\n') ?? [];
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

  test('names every problem of a policy', () => {
    const told = refused(policy({ targetLimits: { maxTargets: -1 }, enforcment: 'Audit' }));
    expect(told).toMatch(
      /^2 problems:\n {2}- spec\.targetLimits\.maxTargets: .*\n {2}- spec: "enforcment" is not known here; did you mean enforcement\?/,
    );
  });

  test('takes what kubectl left out of an object for what its file says', () => {
    const applied = { spec: { ...good, target: { labelSelector: { matchLabels: { app: null } } } } };
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(applied) };
    const object = experiment(
      { ...good, target: { labelSelector: { matchLabels: {} } } },
      { name: 'slow', annotations },
    );
    expect(refused(object)).toMatch(/spec\.target\.labelSelector\.matchLabels\.app: it has no value/);
  });

  test.each([
    ['nothing', undefined],
    ['a text', 'x'],
    ['another version', { ...reviewOf({}), apiVersion: 'admission.k8s.io/v1beta1' }],
    ['one without an object', { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: { uid: 'r' } }],
  ])('that is %s is none', (_what, document) => {
    expect(() => answerReview(document)).toThrow('an AdmissionReview of admission.k8s.io/v1');
  });
});
