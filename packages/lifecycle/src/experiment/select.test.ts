/** Who is drawn: deterministic for a seed, independent of order, with a reason for each one left out. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ExperimentSpec, TargetSpec } from '@chaosplane/api';
import { selectionMessage } from './selection-message.ts';
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
    expect(selectTargets([candidate], experiment(base), 0)).toEqual({
      chosen: [],
      fitting: [],
      skipped: [{ candidate, why }],
      absent: [],
    });
  });

  test('says which mode did not draw a pod', () => {
    const { chosen, skipped } = selectTargets([pod('a'), pod('b')], experiment({ ...base, mode: 'one' }), 0);
    expect(chosen).toHaveLength(1);
    expect(skipped.map(({ why }) => why)).toEqual(['not drawn: mode one']);
  });

  test.each(['pod-cpu-stress', 'container-kill', 'pod-kill', 'hello-world'])(
    '%s has nothing to do with the network, and hits a pod in the host’s too',
    (type) => {
      const candidate = pod('a', { hostNetwork: true });
      expect(selectTargets([candidate], experiment(base, type), 0)).toMatchObject({ chosen: [candidate], skipped: [] });
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
    const { skipped } = selectTargets([candidate], experiment(nodes, 'stress-cpu'), 0);
    expect(skipped).toEqual([{ candidate, why }]);
  });

  test('of nodes never hits a pod, nor that of pods a node, regardless of their names', () => {
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
          const { chosen, skipped } = selectTargets(all, experiment({ ...base, mode, value }), seed);
          expect(chosen.length).toBeLessThanOrEqual(mode === 'fixed' ? value : Math.ceil((all.length * value) / 100));
          expect(chosen.length).toBeGreaterThanOrEqual(Math.min(1, all.length));
          expect(chosen.length + skipped.length).toBe(all.length);
        }
      }),
    );
  });

  test.each([
    [5, 10, 1],
    [5, 20, 1],
    [5, 21, 2],
    [10, 1, 1],
    [7, 100, 7],
    [3, 34, 2],
    [0, 50, 0],
  ])('of %d pods, %d percent are %d: a percentage rounds up', (count, value, wanted) => {
    const all = Array.from({ length: count }, (_, index) => pod(`p${index}`));
    expect(selectTargets(all, experiment({ ...base, mode: 'fixed-percent', value }), 1).chosen).toHaveLength(wanted);
    const most = selectTargets(all, experiment({ ...base, mode: 'random-max-percent', value }), 1).chosen.length;
    expect(most).toBeLessThanOrEqual(wanted);
    expect(most).toBeGreaterThanOrEqual(Math.min(1, wanted));
  });
});

describe('what was asked for and is not there is named', () => {
  const told = (candidates: readonly Candidate[], target: TargetSpec, parameters = {}, type = 'pod-cpu-stress') => {
    const spec = { target, action: { type, parameters } };
    return selectionMessage(selectTargets(candidates, spec, 0), spec);
  };

  test.each<[string, string, Candidate[], Partial<TargetSpec>, object]>([
    [
      'a namespace',
      'not there: a pod in the namespace shopp, or that namespace',
      [pod('a')],
      { namespace: 'shopp' },
      {},
    ],
    ['a pod', '1 of 1 pods; not there: the pod web-9', [pod('web-0')], { names: ['web-0', 'web-9'] }, {}],
    ['all pods', 'fits: not there: the pod x; not among the names', [pod('a')], { names: ['x'] }, {}],
    ['a node', 'no node fits: not there: the node n9; not among', [node('n1')], { ...nodes, names: ['n9'] }, {}],
    [
      'a container',
      'not there: the container ap; has no container ap',
      [pod('a', { containers: ['app', 'side'] })],
      {},
      { containerName: 'ap' },
    ],
    ['a pod of many', '2 more pods', [pod('a')], { names: ['1', '2', '3', '4', '5', '6', '7'] }, {}],
  ])('%s', (_name, said, candidates, target, parameters) => {
    const type = target.kind === 'Node' ? 'stress-cpu' : 'pod-cpu-stress';
    expect(told(candidates, { ...base, ...target }, parameters, type)).toContain(said);
  });

  test('a container that some of the pods have is looked for there', () => {
    const all = [pod('a', { containers: ['app'] }), pod('b', { containers: ['app', 'side'] })];
    const spec = { target: base, action: { type: 'pod-cpu-stress', parameters: { containerName: 'side' } } };
    expect(selectTargets(all, spec, 0)).toMatchObject({
      chosen: [{ name: 'b' }],
      skipped: [{ why: 'has no container side' }],
      absent: [],
    });
  });

  test('of other namespaces nothing is said, regardless of similar names', () => {
    const message = told([pod('secret', { namespace: 'shop' })], { ...base, namespace: 'shopp' });
    expect(message).not.toMatch(/secret|shop\b/);
  });
});
