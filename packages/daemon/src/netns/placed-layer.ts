/** A layer together with the way in which this node carries it out, and what follows from that. Pure. */
import type { Direction, Layer } from '../model/layer.ts';
import { ifbOf } from './names.ts';

/**
 * What carries a layer out: nft alone, netem or plain htb in our tree, or user space. There, `tap` takes what the pod sends beyond
 * its socket, through a TAP device, and what comes in through NFQUEUE; `queue` takes both through NFQUEUE.
 */
export type Backend = 'nft' | 'netem' | 'htb' | 'queue' | 'tap';

/** Where our chains hook in: at the device, or in the inet hooks of kernels whose devices have no egress hook (< 5.16). */
export type Hooks = 'netdev' | 'inet';

/** A layer, and how this node carries it out. */
export interface PlacedLayer {
  readonly layer: Layer;
  readonly engine: Backend;
  readonly hooks: Hooks;
  /** Its bit of the mark; 0 for a layer that does not shape. */
  readonly mark: number;
  /** Whether packets that it drops in the inet hooks are freed by the queue without a listener, so that senders see no error. */
  readonly sink?: boolean;
  /** Milliseconds until the kernel ends it. */
  readonly remainingMs: number;
}

/** The hooks where packets of that direction meet the layer: the TAP backend takes each direction where it can wait. */
export function hooksAt({ engine, hooks }: Pick<PlacedLayer, 'engine' | 'hooks'>, direction: Direction): Hooks {
  if (engine !== 'tap') return hooks;
  return direction === 'egress' ? 'netdev' : 'inet';
}

/** The families of the tables that the layer stands in. */
export function familiesOf(placed: Pick<PlacedLayer, 'layer' | 'engine' | 'hooks'>): Hooks[] {
  return [...new Set(placed.layer.scope.directions.map((direction) => hooksAt(placed, direction)))];
}

/** The layer as the table of one family sees it; undefined where it has nothing to do there. */
export function within<P extends Pick<PlacedLayer, 'layer' | 'engine' | 'hooks'>>(
  placed: P,
  family: Hooks,
): P | undefined {
  const { layer } = placed;
  const directions = layer.scope.directions.filter((direction) => hooksAt(placed, direction) === family);
  if (directions.length === 0) return undefined;
  if (directions.length === layer.scope.directions.length) return placed;
  return { ...placed, layer: { ...layer, scope: { ...layer.scope, directions } } };
}

/** Whether packets of that direction wait in a TAP device for it. */
export function takesTap({ layer, engine }: Pick<PlacedLayer, 'layer' | 'engine'>): boolean {
  return engine === 'tap' && layer.scope.directions.includes('egress');
}

/** Whether packets wait in the queue of the namespace for it. */
export function takesQueue({ layer, engine }: Pick<PlacedLayer, 'layer' | 'engine'>): boolean {
  return engine === 'queue' || (engine === 'tap' && layer.scope.directions.includes('ingress'));
}

/** Whether packets that come in take the way through an IFB device for it: they cannot be queued or copied where they come in. */
export function takesIfb({ layer, engine }: Pick<PlacedLayer, 'layer' | 'engine'>): boolean {
  return layer.scope.directions.includes('ingress') && (inTree(engine) || layer.effect.kind === 'duplicate');
}

/** Whether a layer of that backend has classes in a queueing tree. */
export function inTree(engine: Backend): boolean {
  return engine === 'netem' || engine === 'htb';
}

/** The devices whose trees shape packets of that direction. */
export function shapedDevices(layer: Layer, direction: Direction): readonly string[] {
  const { interfaces } = layer.scope;
  return direction === 'egress' ? interfaces : interfaces.map(ifbOf);
}
