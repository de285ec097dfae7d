/** Who is drawn: deterministic for a seed, independent of order, with a reason for each one left out. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { TargetSpec } from './resource.ts';
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
const pods = fc
  .uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), { maxLength: 30 })
  .map((names) => names.map((name) => pod(name)));

describe('the selection of targets', () => {
  test.each([
    ['another label', pod('a', { labels: {} }), 'label app=web does not match'],
    ['a pod that is not running', pod('a', { running: false }), 'not running'],
    ['a pod in the host’s network', pod('a', { hostNetwork: true }), "uses the node's network"],
  ])('leaves out %s and says why', (_name, candidate, why) => {
    expect(selectTargets([candidate], base, 0)).toEqual({ chosen: [], spared: [{ candidate, why }] });
  });

  test('says which mode did not draw a pod', () => {
    const { chosen, spared } = selectTargets([pod('a'), pod('b')], { ...base, mode: 'one' }, 0);
    expect(chosen).toHaveLength(1);
    expect(spared.map(({ why }) => why)).toEqual(['not drawn: mode one']);
  });

  test('does not depend on the order of the candidates', () => {
    fc.assert(
      fc.property(pods, fc.integer(), (all, seed) => {
        const spec: TargetSpec = { ...base, mode: 'fixed', value: 3 };
        expect(selectTargets(all.toReversed(), spec, seed)).toEqual(selectTargets(all, spec, seed));
      }),
    );
  });

  test('never draws more than its mode allows, and accounts for every candidate', () => {
    fc.assert(
      fc.property(pods, fc.integer(), fc.integer({ min: 1, max: 100 }), (all, seed, value) => {
        for (const mode of ['fixed', 'fixed-percent', 'random-max-percent'] as const) {
          const { chosen, spared } = selectTargets(all, { ...base, mode, value }, seed);
          expect(chosen.length).toBeLessThanOrEqual(mode === 'fixed' ? value : (all.length * value) / 100);
          expect(chosen.length + spared.length).toBe(all.length);
        }
      }),
    );
  });
});
