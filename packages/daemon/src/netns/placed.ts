/** A layer together with the way in which this node carries it out, and what follows from that. Pure. */
import type { Direction, Layer } from './layer.ts';
import { ifbOf } from './names.ts';

/** What carries a layer out: nft alone, netem or plain htb in our tree, or the queue engine in user space. */
export type Engine = 'nft' | 'netem' | 'htb' | 'queue';

/** Where our chains hook in: at the device, or in the inet hooks of kernels whose devices have no egress hook (< 5.16). */
export type Hooks = 'netdev' | 'inet';

/** A layer, and how this node carries it out. */
export interface PlacedLayer {
  readonly layer: Layer;
  readonly engine: Engine;
  readonly hooks: Hooks;
  /** Its bit of the mark; 0 for a layer that does not shape. */
  readonly mark: number;
  /** Milliseconds until the kernel ends it. */
  readonly remainingMs: number;
}

/** Whether packets that come in take the way through an IFB device for it: they cannot be queued or copied where they come in. */
export function takesIfb({ layer, engine }: Pick<PlacedLayer, 'layer' | 'engine'>): boolean {
  return layer.scope.directions.includes('ingress') && (inTree(engine) || layer.effect.kind === 'duplicate');
}

/** Whether a layer of that engine has classes in a queueing tree. */
export function inTree(engine: Engine): boolean {
  return engine === 'netem' || engine === 'htb';
}

/** The device whose tree shapes packets of that direction. */
export function shapedDevice(layer: Layer, direction: Direction): string {
  return direction === 'egress' ? layer.scope.interface : ifbOf(layer.scope.interface);
}

/** Whether its rules or its leaves depend on what the devices of the namespace are. */
export function namesDevices({ layer, engine }: Pick<PlacedLayer, 'layer' | 'engine'>): boolean {
  return inTree(engine) || layer.effect.kind === 'duplicate';
}
