/** Whose a taint is: that of an experiment comes and goes, and no other is ever touched. */
import { describe, expect, test } from '@jest/globals';
import type { NodeTaintSpec } from '@chaosplane/actions';
import type { Node, Taint } from '@chaosplane/kube';
import fc from 'fast-check';
import { changed, nodeOf } from '../../test/objects.ts';
import { TAINTED_BY, taintFor, taintHold } from './taint.ts';

const [a, b] = ['shop/one/u1', 'shop/two/u2'] as const;
const maintenance: NodeTaintSpec = { key: 'example.com/maintenance', value: '', effect: 'NoSchedule' };
const unreachable: Taint = {
  key: 'node.kubernetes.io/unreachable',
  effect: 'NoExecute',
  timeAdded: '2026-01-01T00:00:00Z',
};
const dedicated: Taint = { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' };

function begin(node: Node, experiment: string, taint = maintenance): Node {
  const change = taintFor(node, experiment, taint);
  if (change === 'there') return node;
  if ('refused' in change) throw new Error(change.refused);
  return changed(node, change);
}

function end(node: Node, experiment: string): Node {
  const change = taintHold.without(node, experiment);
  return change === undefined ? node : changed(node, change);
}

describe('a node', () => {
  test('has the taint beside those of others, and they are what they were, times included, when it goes', () => {
    const node = nodeOf({ taints: [unreachable, dedicated] });
    const tainted = begin(node, a);
    expect(tainted.spec?.taints).toEqual([
      unreachable,
      dedicated,
      { key: 'example.com/maintenance', effect: 'NoSchedule' },
    ]);
    expect(tainted.metadata.annotations).toEqual({
      [TAINTED_BY]: JSON.stringify({ 'example.com/maintenance:NoSchedule': [a] }),
    });
    expect(taintHold.isInForce(tainted, a)).toBe(true);
    expect(taintFor(tainted, a, maintenance)).toBe('there');
    expect(end(tainted, a)).toEqual(node);
  });

  test('without any taint has none afterwards', () => expect(end(begin(nodeOf({}), a), a)).toEqual(nodeOf({})));

  test('keeps a taint that others have put while ours was there', () => {
    const tainted = begin(nodeOf({}), a);
    const more = changed(tainted, {
      annotations: {},
      spec: { taints: [...(tainted.spec?.taints ?? []), unreachable] },
    });
    expect(end(more, a).spec?.taints).toEqual([unreachable]);
  });

  test.each<[what: string, taint: NodeTaintSpec, refused: string]>([
    ['the same taint', { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' }, 'dedicated=gpu:NoSchedule'],
    [
      'one of that key and effect',
      { key: 'dedicated', value: 'web', effect: 'NoSchedule' },
      'dedicated=gpu:NoSchedule',
    ],
  ])('that has %s from another program is refused, by its name', (_what, taint, refused) => {
    expect(taintFor(nodeOf({ taints: [dedicated] }), a, taint)).toEqual({
      refused: `it has the taint ${refused} of another program, and there is one of each key and effect`,
    });
  });

  test('takes the same key with another effect', () => {
    const node = begin(nodeOf({ taints: [dedicated] }), a, { key: 'dedicated', value: '', effect: 'NoExecute' });
    expect(end(node, a)).toEqual(nodeOf({ taints: [dedicated] }));
  });

  test('of two experiments with one taint loses it with the last; one with another value is refused', () => {
    const both = begin(begin(nodeOf({}), a), b);
    expect(end(both, a).spec?.taints).toHaveLength(1);
    expect(taintHold.isInForce(end(both, a), b)).toBe(true);
    expect(end(end(both, a), b)).toEqual(nodeOf({}));
    expect(taintFor(both, 'shop/three/u3', { ...maintenance, value: 'x' })).toEqual({
      refused: expect.stringContaining('of another experiment'),
    });
  });

  test('whose taint was taken away, or replaced under its key, by hand has nothing in force, and keeps what is there', () => {
    const other: Taint = { ...maintenance, value: 'mine' };
    for (const taints of [null, [other]]) {
      const loose = changed(begin(nodeOf({}), a), { annotations: {}, spec: { taints } });
      expect(taintHold.isInForce(loose, a)).toBe(false);
      expect(end(loose, a)).toEqual(nodeOf(taints === null ? {} : { taints }));
    }
  });

  test('with an annotation that is no record is as one without', () => {
    for (const text of ['{', '[]', '{"a":1}', 'null']) {
      const node = changed(nodeOf({ taints: [dedicated] }), { annotations: { [TAINTED_BY]: text } });
      expect(taintHold.holders(node)).toEqual([]);
      expect(taintHold.without(node, a)).toBeUndefined();
      expect(end(begin(node, a), a)).toEqual(nodeOf({ taints: [dedicated] }));
    }
  });
});

test('law: in every order of beginnings and ends, the taints of others are never touched, and nothing is left', () => {
  const taint = fc.constantFrom<NodeTaintSpec>(
    maintenance,
    { key: 'k', value: 'v', effect: 'NoExecute' },
    { key: 'k', value: '', effect: 'PreferNoSchedule' },
  );
  const step = fc.tuple(fc.constantFrom('begin', 'end'), fc.integer({ min: 0, max: 3 }));
  const foreign = fc.subarray([unreachable, dedicated]);
  fc.assert(
    fc.property(foreign, fc.array(taint, { minLength: 4, maxLength: 4 }), fc.array(step), (taints, wanted, steps) => {
      const before = nodeOf({ taints });
      let node = before;
      const held = new Set<string>();
      for (const [what, index] of steps) {
        const experiment = `shop/e/${index}`;
        node = what === 'begin' ? begin(node, experiment, wanted[index]) : end(node, experiment);
        if (what === 'begin') held.add(experiment);
        else held.delete(experiment);
        expect(new Set(taintHold.holders(node))).toEqual(held);
        expect([...held].every((one) => taintHold.isInForce(node, one))).toBe(true);
        expect(node.spec?.taints ?? []).toEqual(expect.arrayContaining(taints));
      }
      for (const experiment of held) node = end(node, experiment);
      expect(node).toEqual(before);
    }),
  );
});
