/** Where packets meet our layers: the chains that hook in, and those that steer what was marked to its class. Pure. */
import { inTree, takesIfb, type Hooks, type PlacedLayer } from './placed.ts';
import type { DeviceWord } from './hit.ts';
import type { Direction } from './layer.ts';
import { classOf, COPY_MARK, hex, ifbOf, layerNames, MARK_MASK } from './names.ts';
import type { Chain } from './ruleset.ts';

const LINK_MESSAGES = [
  'nd-router-solicit',
  'nd-router-advert',
  'nd-neighbor-solicit',
  'nd-neighbor-advert',
  'mld-listener-query',
  'mld-listener-report',
  'mld-listener-done',
  'mld2-listener-report',
] as const;

/**
 * Neighbour discovery is to IPv6 what ARP is to IPv4: part of the link, not of the traffic. Bridges that snoop find the way for it
 * by multicast listener discovery.
 */
const SPARE_THE_LINK = `icmpv6 type { ${LINK_MESSAGES.join(', ')} } accept`;

const clear = (bits: number): string => `meta mark set meta mark and ${hex(~bits)}`;
const has = (bits: number): string => `meta mark and ${hex(bits)} != 0`;

const bitsOf = (layers: readonly PlacedLayer[]): number => layers.reduce((bits, { mark }) => bits | mark, 0);
const treeBits = (layers: readonly PlacedLayer[]): number => bitsOf(layers.filter(({ engine }) => inTree(engine)));
const copies = ({ layer }: PlacedLayer): boolean => layer.effect.kind === 'duplicate';

/** The base chains of every device and direction, and those that only they go to. */
export function baseChains(family: Hooks, members: readonly PlacedLayer[], word: DeviceWord): Chain[] {
  return (['egress', 'ingress'] as const).flatMap((direction) => {
    const here = members.filter(({ layer }) => layer.scope.directions.includes(direction));
    return [...Map.groupBy(here, ({ layer }) => layer.scope.interface)].flatMap(([device, layers]) => {
      if (family === 'inet') return [inetChain(direction, device, layers)];
      return direction === 'egress' ? egressChains(device, layers) : ingressChains(device, layers, word);
    });
  });
}

const jumps = (layers: readonly PlacedLayer[], direction: Direction, here = ''): string[] =>
  layers.map(
    ({ layer }) => `${here}meta protocol @${layerNames.live(layer)} jump ${layerNames.scope(layer, direction)}`,
  );

/** In the inet family before the queue table's chains (priority -149), so that the marks are there when these look. */
function inetChain(direction: Direction, device: string, layers: readonly PlacedLayer[]): Chain {
  const here = `${direction === 'egress' ? 'oifname' : 'iifname'} "${device}" `;
  const [shapers, steered] = [layers.filter(({ mark }) => mark !== 0), treeBits(layers)];
  return {
    name: `${direction}_${device}`,
    hook: `type filter hook ${direction === 'egress' ? 'postrouting' : 'prerouting'} priority -150 ;`,
    rules: [
      SPARE_THE_LINK,
      // A mark in our range that somebody else left would steer a packet that is in nobody's scope.
      ...(shapers.length === 0 ? [] : [`${here}${has(MARK_MASK)} ${clear(MARK_MASK)}`]),
      ...jumps(layers, direction, here),
      ...(steered === 0 ? [] : [`${here}${has(steered)} jump steer`]),
    ],
  };
}

const hookAt = (direction: Direction, device: string): string =>
  `type filter hook ${direction} device "${device}" priority 0 ;`;

/** A copy that nft sends comes by here again: it skips what drops and copies, and is shaped like its original. */
function egressChains(device: string, layers: readonly PlacedLayer[]): Chain[] {
  const [shapers, others] = [layers.filter(({ mark }) => mark !== 0), layers.filter(({ mark }) => mark === 0)];
  const [name, hook] = [`egress_${device}`, hookAt('egress', device)];
  const steer = shapers.length === 0 ? [] : [`${has(bitsOf(shapers))} jump steer`];
  if (!layers.some(copies)) {
    const foreign = shapers.length === 0 ? [] : [`${has(MARK_MASK)} ${clear(MARK_MASK)}`];
    return [{ name, hook, rules: [SPARE_THE_LINK, ...foreign, ...jumps([...others, ...shapers], 'egress'), ...steer] }];
  }
  const shape = `shape_${device}`;
  return [
    {
      name,
      hook,
      rules: [SPARE_THE_LINK, `${has(COPY_MARK)} goto ${shape}`, ...jumps(others, 'egress'), `goto ${shape}`],
    },
    { name: shape, rules: [clear(MARK_MASK | COPY_MARK), ...jumps(shapers, 'egress'), ...steer] },
  ];
}

/** Packets that come in cannot wait or be copied where they come in: those that shall are sent through the IFB device. */
function ingressChains(device: string, layers: readonly PlacedLayer[], word: DeviceWord): Chain[] {
  const [name, hook] = [`ingress_${device}`, hookAt('ingress', device)];
  const entries = jumps(layers, 'ingress');
  if (!layers.some(takesIfb)) return [{ name, hook, rules: [SPARE_THE_LINK, ...entries] }];
  const [ifb, ours] = [ifbOf(device), MARK_MASK | COPY_MARK];
  const steered = treeBits(layers);
  const diverted = steered | (layers.some(copies) ? COPY_MARK : 0);
  const divert = `divert_${device}`;
  return [
    {
      name,
      hook,
      rules: [SPARE_THE_LINK, `${has(ours)} ${clear(ours)}`, ...entries, `${has(diverted)} goto ${divert}`],
    },
    {
      name: divert,
      rules: [...(steered === 0 ? [] : ['jump steer']), `fwd to ${word(ifb)}`],
    },
    ...(layers.some(copies)
      ? [
          {
            name: `copy_${device}`,
            hook: hookAt('egress', ifb),
            // Neither the copy nor the original has the mark any more, so neither is copied again.
            rules: [`${has(COPY_MARK)} ${clear(COPY_MARK)} dup to ${word(ifb)}`],
          },
        ]
      : []),
  ];
}

/** Steers marked packets to the class of their combination and clears the bits. The queue engine clears its own. */
export function steeringChains(members: readonly PlacedLayer[]): Chain[] {
  const shapers = members.filter(({ engine }) => inTree(engine));
  if (shapers.length === 0) return [];
  const bits = bitsOf(shapers);
  const classes = combinationsOf(shapers).map((marks) => `${hex(marks)} : ${classOf(marks)}`);
  return [
    {
      name: 'steer',
      rules: [`meta priority set meta mark and ${hex(bits)} map { ${classes.join(', ')} }`, clear(bits)],
    },
  ];
}

function combinationsOf(shapers: readonly PlacedLayer[]): number[] {
  return Array.from({ length: 2 ** shapers.length - 1 }, (_, chosen) =>
    bitsOf(shapers.filter((_shaper, index) => ((chosen + 1) & (1 << index)) !== 0)),
  );
}
