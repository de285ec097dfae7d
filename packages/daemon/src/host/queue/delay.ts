/** How long a packet waits, from the bits of its mark: what netem would do, in user space. */
import type { QueueLayer, QueuePolicy } from '../host.ts';

/** Draws the delay of packets; keeps what correlation needs to remember, and counts. */
export interface DelaySource {
  /** Milliseconds that a packet with that mark waits; 0 when none of its bits is known. Counts it. */
  draw(mark: number): number;
  /** Packets delayed so far, by bit. */
  readonly delayed: ReadonlyMap<number, number>;
  /** Takes another policy; layers that stay keep their counts and what they remember. */
  change(policy: QueuePolicy): void;
}

/** `random` gives numbers in [0, 1). */
export function createDelaySource(policy: QueuePolicy, random: () => number): DelaySource {
  let layers = policy.layers;
  const delayed = new Map<number, number>();
  const last = new Map<number, number>();
  const drawLayer = ({ bit, latencyMs, jitterMs, correlationPercent }: QueueLayer): number => {
    delayed.set(bit, (delayed.get(bit) ?? 0) + 1);
    if (jitterMs === 0) return latencyMs;
    const next = correlated(random(), last.get(bit) ?? random(), correlationPercent / 100);
    last.set(bit, next);
    return Math.max(0, latencyMs + (2 * next - 1) * jitterMs);
  };
  return {
    delayed,
    draw: (mark) => layers.reduce((sum, layer) => ((mark & layer.bit) === 0 ? sum : sum + drawLayer(layer)), 0),
    change: (next) => {
      layers = next.layers;
    },
  };
}

/** The next number of a series in [0, 1) that depends on the one before; get_crandom() of Linux's sch_netem.c. */
export function correlated(fresh: number, previous: number, correlation: number): number {
  return fresh * (1 - correlation) + previous * correlation;
}
