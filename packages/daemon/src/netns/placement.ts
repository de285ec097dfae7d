/** Which engine and which hooks carry a layer out on this node. Pure. */
import { ChaosError } from '@chaosplane/common';
import type { CapabilityName, HostCapability } from '../host/host.ts';
import type { Engine, Hooks } from './compile.ts';
import type { Layer } from './layer.ts';

/** Which engine shapes packets: `auto` takes netem where the kernel has it, else the queue engine. */
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
  queue: ['root', 'nftables', 'nfqueue'],
};

/**
 * Decides how `layer` is carried out.
 * @throws ChaosError FAILED_PRECONDITION naming what the node lacks and how to get it.
 */
export function place(layer: Layer, capabilities: readonly HostCapability[], choice: PlacementChoice): Placement {
  const engine = chooseEngine(layer, capabilities, choice.engine);
  const missing = lacking(engine, capabilities);
  if (missing.length > 0) {
    const what = missing.map(({ name, remedy }) => `${name} is missing (${remedy})`).join('; ');
    throw new ChaosError('FAILED_PRECONDITION', `this node cannot run the ${engine} engine: ${what}`);
  }
  return engine === 'queue' ? queuePlacement : { engine, ...chooseHooks(layer, capabilities, choice.hooks) };
}

const queuePlacement: Placement = {
  engine: 'queue',
  // NFQUEUE works in the inet hooks only.
  hooks: 'inet',
  notes: ['delayed in user space by the queue engine: while no daemon runs, packets pass undelayed'],
};

function chooseEngine(layer: Layer, capabilities: readonly HostCapability[], choice: EngineChoice): Engine {
  if (layer.effect.kind !== 'delay') return 'nft';
  if (choice !== 'auto') return choice;
  if (lacking('netem', capabilities).length === 0) return 'netem';
  // With neither, the refusal speaks of netem, which most kernels can load.
  return lacking('queue', capabilities).length === 0 ? 'queue' : 'netem';
}

function lacking(engine: Engine, capabilities: readonly HostCapability[]): HostCapability[] {
  return capabilities.filter(({ name, available }) => !available && needs[engine].includes(name));
}

function chooseHooks(
  layer: Layer,
  capabilities: readonly HostCapability[],
  choice: HooksChoice,
): Pick<Placement, 'hooks' | 'notes'> {
  const has = capabilities.some(({ name, available }) => name === 'netdev-egress' && available);
  const hooks = choice === 'auto' ? (has || !layer.scope.directions.includes('egress') ? 'netdev' : 'inet') : choice;
  if (hooks === 'netdev') return { hooks, notes: [] };
  return { hooks, notes: ['dropped in the inet hooks: a local sender sees an error (EPERM) instead of a lossy link'] };
}
