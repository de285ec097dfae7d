/** Nulls that kubectl apply leaves out are seen in its annotation. */
import { expect, test } from '@jest/globals';
import { specAsApplied, workflowAsApplied } from './applied.ts';

const annotation = 'kubectl.kubernetes.io/last-applied-configuration';

function asApplied(spec: object, applied: object | string): unknown {
  const text = typeof applied === 'string' ? applied : JSON.stringify({ spec: applied });
  return specAsApplied({ metadata: { name: 'x', annotations: { [annotation]: text } }, spec: spec });
}

const labels = (matchLabels: object | null) => ({ target: { labelSelector: { matchLabels } } });

test.each<[string, object, object | string, object]>([
  ['the only label', labels({}), labels({ app: null }), labels({ app: null })],
  ['one of two', labels({ a: 'b' }), labels({ a: 'b', app: null }), labels({ a: 'b', app: null })],
  ['all labels', { target: { labelSelector: {} } }, labels(null), labels(null)],
  ['one that has a value by now', labels({ app: 'web' }), labels({ app: null }), labels({ app: 'web' })],
  [
    'parameters, and ports of a peer',
    { action: { parameters: {} }, peers: [{ cidr: 'a' }, { cidr: 'b' }] },
    { action: { parameters: { ports: null } }, peers: [{ cidr: 'a' }, { cidr: 'b', ports: null }] },
    { action: { parameters: { ports: null } }, peers: [{ cidr: 'a' }, { cidr: 'b', ports: null }] },
  ],
  [
    'labels of a probe',
    { steadyState: { before: [{ labelSelector: { matchLabels: {} } }] } },
    { steadyState: { before: [{ labelSelector: { matchLabels: { app: null } } }], after: [] } },
    { steadyState: { before: [{ labelSelector: { matchLabels: { app: null } } }] } },
  ],
  ['what narrows nothing', { target: {} }, { target: { seed: null }, execution: null }, { target: {} }],
  ['no JSON', labels({}), '{', labels({})],
  ['another form', labels({}), { target: 5, peers: 'x' }, labels({})],
])('%s', (_what, spec, applied, expected) => {
  expect(asApplied(spec, applied)).toEqual(expected);
});

test('without the annotation the spec is as it is', () => {
  expect(specAsApplied({ metadata: { name: 'x' }, spec: labels({}) })).toEqual(labels({}));
});

test('of a workflow: in the experiments and the probes of its templates', () => {
  const slow = { name: 'slow', experiment: labels({}) };
  const asks = { name: 'asks', probe: { type: 'k8s', labelSelector: { matchLabels: {} } } };
  const waits = { name: 'waits', delay: '5s' };
  const applied = {
    templates: [
      { ...slow, experiment: labels({ app: null }) },
      { ...asks, probe: { type: 'k8s', labelSelector: { matchLabels: { app: null } } } },
      waits,
    ],
  };
  const annotations = { [annotation]: JSON.stringify({ spec: applied }) };
  const spec = { templates: [slow, asks, waits], steps: [] };
  expect(workflowAsApplied({ metadata: { name: 'x', annotations }, spec })).toEqual({ ...spec, ...applied });
  expect(workflowAsApplied({ metadata: { name: 'x' }, spec })).toEqual(spec);
  expect(workflowAsApplied({ metadata: { name: 'x', annotations }, spec: { templates: 5 } })).toEqual({ templates: 5 });
});
