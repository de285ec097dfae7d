/** Where packets meet our layers: the chains that hook in, and those that steer what was marked to its class. Pure. */
import type { Carried } from './device-facts.ts';
import { egressChains } from './egress-chains.ts';
import type { DeviceWord } from './effect-rules.ts';
import type { Direction } from '../model/layer.ts';
import { classOf, COPY_MARK, hex, ifbOf, MARK_MASK } from './names.ts';
import { inTree, takesIfb, type Hooks, type PlacedLayer } from './placed-layer.ts';
import type { Chain } from '../nft/ruleset.ts';
import { bitsOf, clear, copies, has, hookAt, jumps, SPARE_THE_LINK, treeBits } from './rule-parts.ts';

/** What the chains have to know of devices. */
export interface DeviceFacts {
  readonly word: DeviceWord;
  /** Undefined: nothing stands on that device. */
  readonly carries: (device: string) => Carried | undefined;
}

/** The base chains of every device and direction, and those that only they go to. */
export function baseChains(family: Hooks, members: readonly PlacedLayer[], devices: DeviceFacts): Chain[] {
  return (['egress', 'ingress'] as const).flatMap((direction) => {
    const here = members
      .filter(({ layer }) => layer.scope.directions.includes(direction))
      .flatMap((placed) => placed.layer.scope.interfaces.map((device) => ({ device, placed })));
    return [...Map.groupBy(here, ({ device }) => device)].flatMap(([device, found]) => {
      const layers = found.map(({ placed }) => placed);
      if (family === 'inet') return inetChains(direction, device, layers);
      const passing = passingBy(direction, devices.carries(device));
      return direction === 'egress'
        ? egressChains(device, layers, passing)
        : ingressChains(device, layers, passing, devices.word);
    });
  });
}

/** Packets of devices that stand on this one: they met our hooks there, or will. */
function passingBy(direction: Direction, carried: Carried | undefined): string[] {
  if (carried === undefined) return [];
  const end = direction === 'egress' ? 'saddr' : 'daddr';
  // The class of the upper device's tree is a class of this device's tree, too.
  const pass = direction === 'egress' ? 'meta priority set none accept' : 'accept';
  return [
    ...(carried.vlans ? [`vlan id 0-4095 ${pass}`] : []),
    ...(carried.addresses.length === 0 ? [] : [`ether ${end} { ${carried.addresses.join(', ')} } ${pass}`]),
  ];
}

/**
 * Where a packet has the ports that are on the wire, and before the queue table looks for the marks: in postrouting after source
 * NAT (100); in prerouting before mangle (-150), where Istio's TPROXY overwrites the whole mark, and before conntrack (-200), which
 * drops all but one of several packets of a flow that wait before it has confirmed the first.
 */
const PRIORITY = { egress: 150, ingress: -250 } as const;

/** Before NAT, so that ports are those that the sender meant, and after conntrack (-200). */
const REFUSING_PRIORITY = -160;

function inetChains(direction: Direction, device: string, layers: readonly PlacedLayer[]): Chain[] {
  const refusing = layers.filter(refuses);
  const others = layers.filter((placed) => !refuses(placed));
  return [
    ...(others.length === 0 ? [] : [inetChain(direction, device, others)]),
    ...(refusing.length === 0 ? [] : [refusingChain(direction, device, refusing)]),
  ];
}

const refuses = ({ layer: { effect } }: PlacedLayer): boolean => effect.kind === 'partition' && effect.how !== 'silent';

const deviceMatch = (direction: Direction, device: string): string =>
  `${direction === 'egress' ? 'oifname' : 'iifname'} "${device}" `;

function inetChain(direction: Direction, device: string, layers: readonly PlacedLayer[]): Chain {
  const here = deviceMatch(direction, device);
  const [shapers, steered] = [layers.filter(({ mark }) => mark !== 0), treeBits(layers)];
  const hook = direction === 'egress' ? 'postrouting' : 'prerouting';
  return {
    name: `${hook}_${device}`,
    hook: `type filter hook ${hook} priority ${PRIORITY[direction]} ;`,
    rules: [
      SPARE_THE_LINK,
      // A mark in our range that another program left would steer a packet that is in no scope.
      ...(shapers.length === 0 ? [] : [`${here}${has(MARK_MASK)} ${clear(MARK_MASK)}`]),
      ...jumps(layers, direction, here),
      ...(steered === 0 ? [] : [`${here}${has(steered)} jump steer`]),
    ],
  };
}

/** What the kernel answers for a packet that was refused on its way in passes here, and must reach its sender. */
const REFUSALS = [
  'icmp type destination-unreachable accept',
  'icmpv6 type destination-unreachable accept',
  'tcp flags & rst != 0 accept',
];

/** nft can refuse a packet only where it is not on its way out yet. */
function refusingChain(direction: Direction, device: string, layers: readonly PlacedLayer[]): Chain {
  const hook = direction === 'egress' ? 'output' : 'prerouting';
  return {
    name: `refuse_${hook}_${device}`,
    hook: `type filter hook ${hook} priority ${REFUSING_PRIORITY} ;`,
    rules: [
      SPARE_THE_LINK,
      ...(direction === 'egress' ? REFUSALS : []),
      ...jumps(layers, direction, deviceMatch(direction, device)),
    ],
  };
}

/** Packets that come in cannot wait or be copied where they come in: those that shall are sent through the IFB device. */
function ingressChains(
  device: string,
  layers: readonly PlacedLayer[],
  passing: readonly string[],
  word: DeviceWord,
): Chain[] {
  const [name, hook] = [`ingress_${device}`, hookAt('ingress', device)];
  const entries = jumps(layers, 'ingress');
  const first = [SPARE_THE_LINK, ...passing];
  if (!layers.some(takesIfb)) return [{ name, hook, rules: [...first, ...entries] }];
  const [ifb, ours] = [ifbOf(device), MARK_MASK | COPY_MARK];
  const steered = treeBits(layers);
  const diverted = steered | (layers.some(copies) ? COPY_MARK : 0);
  const divert = `divert_${device}`;
  return [
    {
      name,
      hook,
      rules: [...first, `${has(ours)} ${clear(ours)}`, ...entries, `${has(diverted)} goto ${divert}`],
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

/** Steers marked packets to the class of their combination and clears the bits. User space clears its own. */
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
