/** What happens to a packet, from the bits of its mark: delays with jitter that is uniform also where it is correlated, and corruption. */
import type { QueueLayer, QueuePolicy } from '../../contract/host.ts';

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
  /** The deviate behind the last jitter of each bit. */
  const last = new Map<number, number>();
  const drawLayer = ({ bit, latencyMs, jitterMs, correlationPercent }: QueueLayer): number => {
    handled.set(bit, (handled.get(bit) ?? 0) + 1);
    if (jitterMs === 0) return latencyMs;
    const next = nextDeviate(last.get(bit), correlationPercent / 100, random);
    last.set(bit, next);
    return Math.max(0, latencyMs + (2 * normalShare(next) - 1) * jitterMs);
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
      // The bit of a layer that is gone belongs to no layer, and later to another one.
      for (const bit of handled.keys()) {
        if (bits.has(bit)) continue;
        handled.delete(bit);
        last.delete(bit);
      }
    },
  };
}

/**
 * The next of a series of normal deviates whose shares (`normalShare`) are uniform, each correlated with the one before by
 * `correlation` (0 to 1). The mean of a fresh uniform number and the last one, which Linux's get_crandom() takes, would not be
 * uniform: with 90 % it varies by a quarter of what was asked for. Of 1, the first is kept for good: a constant.
 */
export function nextDeviate(last: number | undefined, correlation: number, random: () => number): number {
  if (last === undefined) return normal(random);
  // Shares correlate a little less than their deviates do (Pearson 1907): 6/π asin(r/2).
  if (correlation >= 1) return last;
  const r = 2 * Math.sin((Math.PI * correlation) / 6);
  const fresh = normal(random);
  return r === 0 ? fresh : r * last + Math.sqrt(1 - r * r) * fresh;
}

/** A number with the standard normal distribution (Box and Muller), from two in [0, 1). */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** The share of a standard normal distribution below `deviate`: uniform in [0, 1] when that is normal. Error below 1.5e-7. */
export function normalShare(deviate: number): number {
  // Abramowitz and Stegun 7.1.26.
  const x = Math.abs(deviate) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const poly = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  const tail = (poly * Math.exp(-x * x)) / 2;
  return deviate < 0 ? tail : 1 - tail;
}
