/** Which backend and which hooks carry a layer out on this node. Pure. */
import { ChaosError } from '@chaosplane/common';
import type { CapabilityName, HostCapability } from '../contract/host.ts';
import { inTree, takesIfb, takesQueue, takesTap, type Backend, type Hooks } from './placed-layer.ts';
import type { Layer } from '../model/layer.ts';
import { beyondNetem } from './netem-limits.ts';

/**
 * Which backend delays and corrupts: `auto` takes netem where the kernel has it, else user space: by TAP devices where the node has
 * these and the egress hook, else by the queue.
 */
export type BackendChoice = 'auto' | 'netem' | 'tap' | 'queue';

/** Where chains hook in: `auto` takes the device where it has an egress hook, else the inet hooks. */
export type HooksChoice = 'auto' | 'netdev' | 'inet';

/** What the administrator forces, if anything. */
export interface PlacementChoice {
  readonly engine: BackendChoice;
  readonly hooks: HooksChoice;
}

/** How a layer is carried out. */
export interface Placement {
  readonly engine: Backend;
  readonly hooks: Hooks;
  /** See PlacedLayer. */
  readonly sink?: boolean;
  /** What a reader of the evidence has to know about this way of doing it. */
  readonly notes: readonly string[];
}

/** What a backend needs of the node. */
const needs: Readonly<Record<Backend, readonly CapabilityName[]>> = {
  nft: ['root', 'nftables'],
  netem: ['root', 'nftables', 'tc', 'sch-htb', 'sch-netem'],
  htb: ['root', 'nftables', 'tc', 'sch-htb', 'sch-tbf'],
  queue: ['root', 'nftables'],
  tap: ['root', 'nftables'],
};

function needsOf(layer: Layer, engine: Backend): readonly CapabilityName[] {
  return [
    ...needs[engine],
    ...(takesIfb({ layer, engine }) ? (['ifb'] as const) : []),
    ...(takesTap({ layer, engine }) ? (['tun', 'netdev-egress'] as const) : []),
    ...(takesQueue({ layer, engine }) ? (['nfqueue'] as const) : []),
    // nft copies packets at a device only, and what comes in at the IFB's.
    ...(layer.effect.kind === 'duplicate' ? (['netdev-egress'] as const) : []),
  ];
}

/**
 * Decides how `layer` is carried out. `ethernet`: whether all of its interfaces have MAC addresses.
 * @throws ChaosError FAILED_PRECONDITION naming what the node lacks and how to get it.
 */
export function place(
  layer: Layer,
  capabilities: readonly HostCapability[],
  choice: PlacementChoice,
  { ethernet }: { readonly ethernet: boolean } = { ethernet: true },
): Placement {
  const engine = chooseBackend(layer, capabilities, choice.engine, ethernet);
  const missing = lacking(layer, engine, capabilities);
  if (missing.length > 0) {
    const what = missing.map(({ name, remedy }) => `${name} is missing (${remedy})`).join('; ');
    throw new ChaosError('FAILED_PRECONDITION', `this node cannot run the ${engine} engine: ${what}`);
  }
  if (engine === 'queue' || engine === 'tap') return inUserSpace(layer, engine);
  return { engine, ...chooseHooks(layer, engine, capabilities, choice.hooks) };
}

function inUserSpace(layer: Layer, engine: 'queue' | 'tap'): Placement {
  const { effect, scope } = layer;
  const done = effect.kind === 'corrupt' ? 'corrupted' : 'delayed';
  // The kernel splits what it passes to the queue to be changed, and does not tell which segments were one packet.
  const eachSegment = effect.kind === 'corrupt' && takesQueue({ layer, engine });
  const slow = engine === 'queue' && scope.directions.includes('egress');
  return {
    engine,
    // NFQUEUE works in the inet hooks only; where packets leave through a TAP device, see `hooksAt`.
    hooks: 'inet',
    notes: [
      `${done} in user space by the ${engine} engine: while no daemon runs, packets pass un${done}`,
      ...(slow
        ? [
            'what waits in the queue still belongs to its socket: TCP sends two packets at a time, so bulk transfers are slower',
          ]
        : []),
      ...(eachSegment
        ? [
            'of a large packet that TCP sends as one, the queue corrupts each segment; netem and the TAP engine corrupt one of them',
          ]
        : []),
    ],
  };
}

function chooseBackend(
  layer: Layer,
  capabilities: readonly HostCapability[],
  choice: BackendChoice,
  ethernet: boolean,
): Backend {
  // What comes in belongs to no socket: the queue holds it as well as a TAP device does.
  const tap = ethernet && takesTap({ layer, engine: 'tap' }) ? 'tap' : 'queue';
  switch (layer.effect.kind) {
    case 'loss':
    case 'partition':
    case 'duplicate':
      return 'nft';
    case 'bandwidth':
      return 'htb';
    case 'delay':
    case 'corrupt':
      if (choice === 'queue') return choice;
      if (choice === 'tap') return tap;
      return chooseNetem(layer, capabilities, choice, tap);
  }
}

/** netem, or, where the administrator leaves the choice, user space for what netem or this kernel cannot do. */
function chooseNetem(
  layer: Layer,
  capabilities: readonly HostCapability[],
  choice: 'auto' | 'netem',
  tap: 'tap' | 'queue',
): Backend {
  const can = (engine: Backend): boolean => lacking(layer, engine, capabilities).length === 0;
  const beyond = beyondNetem(layer.effect);
  if (beyond === undefined && (choice === 'netem' || can('netem'))) return 'netem';
  const inUserSpace = choice === 'auto' ? ([tap, 'queue'] as const).find(can) : undefined;
  if (inUserSpace !== undefined) return inUserSpace;
  // With none of them, the refusal speaks of netem, which most kernels can load.
  if (beyond === undefined) return 'netem';
  const other =
    choice === 'netem'
      ? 'do not set --network-engine netem'
      : lacking(layer, tap, capabilities)
          .map(({ name, remedy }) => `get ${name} (${remedy})`)
          .join(', ');
  throw new ChaosError('FAILED_PRECONDITION', `${beyond}: ask for less, or ${other}, for the ${tap} engine`);
}

function lacking(layer: Layer, engine: Backend, capabilities: readonly HostCapability[]): HostCapability[] {
  const needed = needsOf(layer, engine);
  return capabilities.filter(({ name, available }) => !available && needed.includes(name));
}

function chooseHooks(
  layer: Layer,
  engine: Backend,
  capabilities: readonly HostCapability[],
  choice: HooksChoice,
): Pick<Placement, 'hooks' | 'sink' | 'notes'> {
  const has = (wanted: CapabilityName): boolean =>
    capabilities.some(({ name, available }) => name === wanted && available);
  const { effect } = layer;
  // nft refuses packets in the inet hooks only.
  if (effect.kind === 'partition' && effect.how !== 'silent') return { hooks: 'inet', notes: [] };
  const egress = layer.scope.directions.includes('egress');
  const hooks = choice === 'auto' ? (has('netdev-egress') || !egress ? 'netdev' : 'inet') : choice;
  if (hooks === 'netdev') return { hooks, notes: [] };
  if (effect.kind === 'duplicate' || takesIfb({ layer, engine })) {
    const what = 'packets that come in are shaped, and packets copied, at the hooks of devices only';
    const wayOut = egress ? 'use Linux 5.16 or newer, or ask for direction egress' : 'do not set --network-hooks inet';
    throw new ChaosError('FAILED_PRECONDITION', `this node uses the inet hooks, and ${what}: ${wayOut}`);
  }
  if (inTree(engine) || !egress) return { hooks, notes: [] };
  if (has('nft-queue')) return { hooks, sink: true, notes: [] };
  return { hooks, notes: ['dropped in the inet hooks: a local sender sees an error (EPERM) instead of a lossy link'] };
}
