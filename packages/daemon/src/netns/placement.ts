/** Which engine and which hooks carry a layer out on this node. Pure. */
import { ChaosError } from '@chaosplane/common';
import type { CapabilityName, HostCapability } from '../host/host.ts';
import { inTree, takesIfb, type Engine, type Hooks } from './placed.ts';
import type { Layer } from './layer.ts';

/** Which engine delays and corrupts: `auto` takes netem where the kernel has it, else the queue engine. */
export type EngineChoice = 'auto' | 'netem' | 'queue';

/** Where chains hook in: `auto` takes the device where it has an egress hook, else the inet hooks. */
export type HooksChoice = 'auto' | 'netdev' | 'inet';

/** What the administrator forces, if anything. */
export interface PlacementChoice {
  readonly engine: EngineChoice;
  readonly hooks: HooksChoice;
}

/** How a layer is carried out. */
export interface Placement {
  readonly engine: Engine;
  readonly hooks: Hooks;
  /** What a reader of the evidence has to know about this way of doing it. */
  readonly notes: readonly string[];
}

/** What an engine needs of the node. */
const needs: Readonly<Record<Engine, readonly CapabilityName[]>> = {
  nft: ['root', 'nftables'],
  netem: ['root', 'nftables', 'tc', 'sch-htb', 'sch-netem'],
  htb: ['root', 'nftables', 'tc', 'sch-htb', 'sch-tbf'],
  queue: ['root', 'nftables', 'nfqueue'],
};

function needsOf(layer: Layer, engine: Engine): readonly CapabilityName[] {
  return [
    ...needs[engine],
    ...(takesIfb({ layer, engine }) ? (['ifb'] as const) : []),
    // nft copies packets at a device only, and what comes in at the IFB's.
    ...(layer.effect.kind === 'duplicate' ? (['netdev-egress'] as const) : []),
  ];
}

/**
 * Decides how `layer` is carried out.
 * @throws ChaosError FAILED_PRECONDITION naming what the node lacks and how to get it.
 */
export function place(layer: Layer, capabilities: readonly HostCapability[], choice: PlacementChoice): Placement {
  const engine = chooseEngine(layer, capabilities, choice.engine);
  const missing = lacking(layer, engine, capabilities);
  if (missing.length > 0) {
    const what = missing.map(({ name, remedy }) => `${name} is missing (${remedy})`).join('; ');
    throw new ChaosError('FAILED_PRECONDITION', `this node cannot run the ${engine} engine: ${what}`);
  }
  if (engine === 'queue') return queuePlacement(layer);
  return { engine, ...chooseHooks(layer, engine, capabilities, choice.hooks) };
}

function queuePlacement({ effect }: Layer): Placement {
  const done = effect.kind === 'corrupt' ? 'corrupted' : 'delayed';
  return {
    engine: 'queue',
    // NFQUEUE works in the inet hooks only.
    hooks: 'inet',
    notes: [`${done} in user space by the queue engine: while no daemon runs, packets pass un${done}`],
  };
}

function chooseEngine(layer: Layer, capabilities: readonly HostCapability[], choice: EngineChoice): Engine {
  switch (layer.effect.kind) {
    case 'loss':
    case 'partition':
    case 'duplicate':
      return 'nft';
    case 'bandwidth':
      return 'htb';
    case 'delay':
    case 'corrupt':
      if (choice !== 'auto') return choice;
      if (lacking(layer, 'netem', capabilities).length === 0) return 'netem';
      // With neither, the refusal speaks of netem, which most kernels can load.
      return lacking(layer, 'queue', capabilities).length === 0 ? 'queue' : 'netem';
  }
}

function lacking(layer: Layer, engine: Engine, capabilities: readonly HostCapability[]): HostCapability[] {
  const needed = needsOf(layer, engine);
  return capabilities.filter(({ name, available }) => !available && needed.includes(name));
}

function chooseHooks(
  layer: Layer,
  engine: Engine,
  capabilities: readonly HostCapability[],
  choice: HooksChoice,
): Pick<Placement, 'hooks' | 'notes'> {
  const has = capabilities.some(({ name, available }) => name === 'netdev-egress' && available);
  const hooks = choice === 'auto' ? (has || !layer.scope.directions.includes('egress') ? 'netdev' : 'inet') : choice;
  if (hooks === 'netdev') return { hooks, notes: [] };
  if (layer.effect.kind === 'duplicate' || takesIfb({ layer, engine })) {
    const what = 'packets that come in are shaped, and packets copied, at the hooks of devices only';
    const wayOut = layer.scope.directions.includes('egress')
      ? 'use Linux 5.16 or newer, or ask for direction egress'
      : 'do not set --network-hooks inet';
    throw new ChaosError('FAILED_PRECONDITION', `this node uses the inet hooks, and ${what}: ${wayOut}`);
  }
  if (inTree(engine)) return { hooks, notes: [] };
  return { hooks, notes: ['dropped in the inet hooks: a local sender sees an error (EPERM) instead of a lossy link'] };
}
