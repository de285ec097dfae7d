/** The chains of a device's egress hook: droppers, copiers, then what waits in user space, then what waits in a tree. Pure. */
import { COPY_MARK, MARK_MASK, ROOT_MAJOR, tapPriorityOf } from './names.ts';
import { takesTap, type PlacedLayer } from './placed-layer.ts';
import type { Chain } from '../nft/ruleset.ts';
import { bitsOf, clear, copies, has, hookAt, jumps, SPARE_THE_LINK } from './rule-parts.ts';

/*
 *  priority 0  egress_eth0    droppers, copiers ──► waits_eth0: the first TAP layer in whose scope the packet is sets its bit
 *  priority 1  chaosplane_tap (dies with the daemon)  bit set: fwd to the TAP device of the layer
 *                  ... the packet waits in user space, and leaves by eth0 again with the layer's priority (tapPriorityOf):
 *  priority 0  ID_after_eth0  goes on behind that layer: the next TAP layer sets its bit, or none does
 *  priority 2  trees_eth0     layers with a tree: steered to the class of their combination
 */

const TREE_PRIORITY = 2;

/** `passing`: rules for packets that are not this device's own. */
export function egressChains(device: string, layers: readonly PlacedLayer[], passing: readonly string[]): Chain[] {
  const taps = layers.filter(takesTap);
  if (taps.length === 0) return plainChains(device, layers, passing);
  const trees = layers.filter((placed) => placed.mark !== 0 && !takesTap(placed));
  const others = layers.filter(({ mark }) => mark === 0);
  const waits = `waits_${device}`;
  return [
    { name: waits, rules: [clear(MARK_MASK | COPY_MARK), ...waitRules(taps)] },
    ...taps.map((placed, index) => ({
      name: afterOf(placed, device),
      rules: ['meta priority set none', ...waitRules(taps.slice(index + 1))],
    })),
    {
      name: `egress_${device}`,
      hook: hookAt('egress', device),
      rules: [
        SPARE_THE_LINK,
        ...passing,
        ...taps.map((placed) => `${comesBackFrom(placed)} goto ${afterOf(placed, device)}`),
        // A copy that nft sends comes by here again: it skips what drops and copies, and waits like its original.
        ...(others.some(copies) ? [`${has(COPY_MARK)} goto ${waits}`] : []),
        ...jumps(others, 'egress'),
        `goto ${waits}`,
      ],
    },
    ...(trees.length === 0
      ? []
      : [
          {
            name: `trees_${device}`,
            hook: hookAt('egress', device, TREE_PRIORITY),
            rules: [
              SPARE_THE_LINK,
              ...passing,
              clear(MARK_MASK),
              ...jumps(trees, 'egress'),
              `${has(bitsOf(trees))} jump steer`,
            ],
          },
        ]),
  ];
}

/** Matches what the thread of the daemon lets go. */
function comesBackFrom({ mark }: PlacedLayer): string {
  return `meta priority ${ROOT_MAJOR}:${(tapPriorityOf(mark) & 0xffff).toString(16)}`;
}

const afterOf = ({ layer }: PlacedLayer, device: string): string => `${layer.id}_after_${device}`;

/** One layer after the other: the first that takes the packet has it alone. */
function waitRules(taps: readonly PlacedLayer[]): string[] {
  return taps.flatMap((placed) => [...jumps([placed], 'egress'), `${has(placed.mark)} accept`]);
}

/** Without user space. A copy that nft sends comes by here again: it skips what drops and copies. */
function plainChains(device: string, layers: readonly PlacedLayer[], passing: readonly string[]): Chain[] {
  const [shapers, others] = [layers.filter(({ mark }) => mark !== 0), layers.filter(({ mark }) => mark === 0)];
  const [name, hook] = [`egress_${device}`, hookAt('egress', device)];
  const steer = shapers.length === 0 ? [] : [`${has(bitsOf(shapers))} jump steer`];
  const first = [SPARE_THE_LINK, ...passing];
  if (!layers.some(copies)) {
    const foreign = shapers.length === 0 ? [] : [`${has(MARK_MASK)} ${clear(MARK_MASK)}`];
    return [{ name, hook, rules: [...first, ...foreign, ...jumps([...others, ...shapers], 'egress'), ...steer] }];
  }
  const shape = `shape_${device}`;
  return [
    {
      name,
      hook,
      rules: [...first, `${has(COPY_MARK)} goto ${shape}`, ...jumps(others, 'egress'), `goto ${shape}`],
    },
    { name: shape, rules: [clear(MARK_MASK | COPY_MARK), ...jumps(shapers, 'egress'), ...steer] },
  ];
}
