/** Whose a cordon is, over every order in which experiments and people come and go. */
import { describe, expect, test } from '@jest/globals';
import type { Node } from '@chaosplane/kube';
import fc from 'fast-check';
import { CORDONED_BY, cordonedBefore, cordonFor, cordonHold } from './cordon.ts';
import type { NodeChange } from './hold.ts';
import { changed, nodeOf } from '../../test/objects.ts';

const [a, b] = ['shop/one/u1', 'shop/two/u2'] as const;

const apply = (node: Node, change: NodeChange | undefined): Node =>
  change === undefined ? node : changed(node, change);
const begin = (node: Node, experiment: string): Node => apply(node, cordonFor(node, experiment));
const end = (node: Node, experiment: string): Node => apply(node, cordonHold.without(node, experiment));
const byHand = (node: Node, unschedulable: boolean): Node =>
  changed(node, { annotations: {}, spec: { unschedulable: unschedulable ? true : null } });

describe('a node', () => {
  test('is cordoned for an experiment in the same change that names it, and as before when that ends', () => {
    const node = nodeOf({});
    expect(cordonFor(node, a)).toEqual({ annotations: { [CORDONED_BY]: a }, spec: { unschedulable: true } });
    const cordoned = begin(node, a);
    expect(cordonHold.isInForce(cordoned, a)).toBe(true);
    expect(cordonFor(cordoned, a)).toBeUndefined();
    expect(end(cordoned, a)).toEqual(node);
  });

  test('that was cordoned before stays cordoned, and only the annotation goes', () => {
    const node = nodeOf({ unschedulable: true });
    const cordoned = begin(node, a);
    expect(cordoned.metadata.annotations).toEqual({ [CORDONED_BY]: `others,${a}` });
    expect(cordonedBefore(cordoned)).toBe(true);
    expect(end(cordoned, a)).toEqual(node);
    expect(end(end(begin(cordoned, b), a), b)).toEqual(node);
  });

  test('of two experiments is uncordoned by the last one', () => {
    const both = begin(begin(nodeOf({}), a), b);
    expect(end(both, a).spec?.unschedulable).toBe(true);
    expect(cordonHold.isInForce(end(both, a), b)).toBe(true);
    expect(end(end(both, a), b)).toEqual(nodeOf({}));
  });

  test('that was uncordoned by hand is not in force, and a cordon that comes later is kept', () => {
    const loose = byHand(begin(nodeOf({}), a), false);
    expect(cordonHold.isInForce(loose, a)).toBe(false);
    expect(end(loose, a)).toEqual(nodeOf({}));
    expect(byHand(end(loose, a), true)).toEqual(nodeOf({ unschedulable: true }));
  });

  test('that others had cordoned and uncordoned is, for the next experiment, the cordon of experiments', () => {
    const loose = byHand(begin(nodeOf({ unschedulable: true }), a), false);
    expect(end(end(begin(loose, b), b), a)).toEqual(nodeOf({}));
  });

  test('that experiments do not name is never changed by their end', () => {
    expect(cordonHold.without(nodeOf({ unschedulable: true }), a)).toBeUndefined();
    expect(cordonHold.without(begin(nodeOf({}), b), a)).toBeUndefined();
  });
});

test('law: in every order of beginnings and ends, each as often as it likes, the node is afterwards as it was', () => {
  const step = fc.tuple(fc.constantFrom('begin', 'end'), fc.constantFrom(a, b, 'shop/three/u3'));
  fc.assert(
    fc.property(fc.boolean(), fc.array(step, { maxLength: 12 }), (unschedulable, steps) => {
      const before = nodeOf({ unschedulable });
      let node = before;
      const held = new Set<string>();
      for (const [what, experiment] of steps) {
        node = what === 'begin' ? begin(node, experiment) : end(node, experiment);
        if (what === 'begin') held.add(experiment);
        else held.delete(experiment);
        expect(new Set(cordonHold.holders(node))).toEqual(held);
        expect(node.spec?.unschedulable === true).toBe(unschedulable || held.size > 0);
      }
      for (const experiment of held) node = end(node, experiment);
      expect(node).toEqual(before);
    }),
  );
});
