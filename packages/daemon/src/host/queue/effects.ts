/** What happens to a packet, from the bits of its mark: what netem would do, in user space. */
import type { QueueLayer, QueuePolicy } from '../host.ts';

/** What happens to one packet. */
export interface Drawn {
  /** Milliseconds that it waits. */
  readonly waitMs: number;
  readonly corrupts: boolean;
}

/** Draws what happens to packets; keeps what correlation needs to remember, and counts. */
export interface EffectSource {
  /** What happens to a packet with that mark; nothing when none of its bits is known. Counts it. */
  draw(mark: number): Drawn;
  /** Packets drawn for so far, by bit. */
  readonly handled: ReadonlyMap<number, number>;
  /** Takes another policy; layers that stay keep their counts and what they remember. */
  change(policy: QueuePolicy): void;
}

/** `random` gives numbers in [0, 1). */
export function createEffectSource(policy: QueuePolicy, random: () => number): EffectSource {
  let layers = policy.layers;
  const handled = new Map<number, number>();
  const last = new Map<number, number>();
  const drawLayer = ({ bit, latencyMs, jitterMs, correlationPercent }: QueueLayer): number => {
    handled.set(bit, (handled.get(bit) ?? 0) + 1);
    if (jitterMs === 0) return latencyMs;
    const next = correlated(random(), last.get(bit) ?? random(), correlationPercent / 100);
    last.set(bit, next);
    return Math.max(0, latencyMs + (2 * next - 1) * jitterMs);
  };
  return {
    handled,
    draw: (mark) => {
      const hit = layers.filter(({ bit }) => (mark & bit) !== 0);
      return {
        waitMs: hit.reduce((sum, layer) => sum + drawLayer(layer), 0),
        corrupts: hit.some(({ corrupts }) => corrupts),
      };
    },
    change: (next) => {
      layers = next.layers;
      const bits = new Set(layers.map(({ bit }) => bit));
      // The bit of a layer that is gone belongs to nobody, and later to another one.
      for (const bit of handled.keys()) {
        if (bits.has(bit)) continue;
        handled.delete(bit);
        last.delete(bit);
      }
    },
  };
}

/** The next number of a series in [0, 1) that depends on the one before; get_crandom() of Linux's sch_netem.c. */
export function correlated(fresh: number, previous: number, correlation: number): number {
  return fresh * (1 - correlation) + previous * correlation;
}
