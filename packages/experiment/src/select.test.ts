/** Who is drawn: deterministic for a seed, independent of order, with a reason for each one left out. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ExperimentSpec, TargetSpec } from './resource.ts';
import { selectTargets, type Candidate } from './select.ts';

const pod = (name: string, changes: Partial<Candidate> = {}): Candidate => ({
  uid: name,
  namespace: 'shop',
  name,
  labels: { app: 'web' },
  running: true,
  hostNetwork: false,
  ...changes,
});
const base: TargetSpec = {
  kind: 'Pod',
  namespace: 'shop',
  labelSelector: { matchLabels: { app: 'web' }, matchExpressions: [] },
  mode: 'all',
  seed: 0,
  dynamic: false,
};
const node = (name: string, changes: Partial<Candidate> = {}): Candidate => ({
  ...pod(name, { namespace: '', labels: { zone: 'a' }, node: name }),
  ...changes,
});
const nodes: TargetSpec = { ...base, kind: 'Node', namespace: '', labelSelector: { matchLabels: { zone: 'a' } } };

const experiment = (target: TargetSpec, type = 'network-delay'): Pick<ExperimentSpec, 'target' | 'action'> => ({
  target,
  action: { type, parameters: {} },
});
const pods = fc
  .uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), { maxLength: 30 })
  .map((names) => names.map((name) => pod(name)));

describe('the selection of targets', () => {
  test.each([
    ['another label', pod('a', { labels: {} }), 'label app=web does not match'],
    ['a pod that is not running', pod('a', { running: false }), 'not running'],
    ['a pod in the host’s network', pod('a', { hostNetwork: true }), "uses the node's network"],
  ])('leaves out %s and says why', (_name, candidate, why) => {
    expect(selectTargets([candidate], experiment(base), 0)).toEqual({ chosen: [], spared: [{ candidate, why }] });
  });

  test('says which mode did not draw a pod', () => {
    const { chosen, spared } = selectTargets([pod('a'), pod('b')], experiment({ ...base, mode: 'one' }), 0);
    expect(chosen).toHaveLength(1);
    expect(spared.map(({ why }) => why)).toEqual(['not drawn: mode one']);
  });

  test.each(['pod-cpu-stress', 'container-kill', 'pod-kill', 'hello-world'])(
    '%s has nothing to do with the network, and hits a pod in the host’s too',
    (type) => {
      const candidate = pod('a', { hostNetwork: true });
      expect(selectTargets([candidate], experiment(base, type), 0)).toEqual({ chosen: [candidate], spared: [] });
    },
  );

  test.each(['network-loss', 'pod-http-abort', 'pod-dns-error'])(
    '%s leaves out a pod in the host’s network',
    (type) => {
      const candidate = pod('a', { hostNetwork: true });
      expect(selectTargets([candidate], experiment(base, type), 0).chosen).toEqual([]);
    },
  );

  test.each([
    ['a node that is not ready', node('a', { running: false }), 'not ready'],
    ['a node with other labels', node('a', { labels: {} }), 'label zone=a does not match'],
  ])('of nodes leaves out %s and says why', (_name, candidate, why) => {
    const { spared } = selectTargets([candidate], experiment(nodes, 'stress-cpu'), 0);
    expect(spared).toEqual([{ candidate, why }]);
  });

  test('of nodes never hits a pod, nor that of pods a node, whatever they are called', () => {
    const both = [pod('a', { labels: { app: 'web', zone: 'a' } }), node('a', { labels: { app: 'web', zone: 'a' } })];
    const [ofPods, ofNodes] = [experiment(base, 'pod-cpu-stress'), experiment(nodes, 'stress-cpu')].map((spec) =>
      selectTargets(both, spec, 0).chosen.map(({ namespace }) => namespace),
    );
    expect([ofPods, ofNodes]).toEqual([['shop'], ['']]);
  });

  test('does not depend on the order of the candidates', () => {
    fc.assert(
      fc.property(pods, fc.integer(), (all, seed) => {
        const spec = experiment({ ...base, mode: 'fixed', value: 3 });
        expect(selectTargets(all.toReversed(), spec, seed)).toEqual(selectTargets(all, spec, seed));
      }),
    );
  });

  test('never draws more than its mode allows, and accounts for every candidate', () => {
    fc.assert(
      fc.property(pods, fc.integer(), fc.integer({ min: 1, max: 100 }), (all, seed, value) => {
        for (const mode of ['fixed', 'fixed-percent', 'random-max-percent'] as const) {
          const { chosen, spared } = selectTargets(all, experiment({ ...base, mode, value }), seed);
          expect(chosen.length).toBeLessThanOrEqual(mode === 'fixed' ? value : (all.length * value) / 100);
          expect(chosen.length + spared.length).toBe(all.length);
        }
      }),
    );
  });
});
