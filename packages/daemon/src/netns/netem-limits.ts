/** What netem cannot do with a delay, in words: it takes all of it without an error, and does something else. Pure. */
import { formatDuration } from '@chaosplane/common';
import type { Effect } from '../model/layer.ts';

type Delay = Extract<Effect, { readonly kind: 'delay' }>;

/** sch_netem.c caps a jitter at INT_MAX nanoseconds and says nothing. */
const LONGEST_JITTER_MS = 2147;

/** tc counts a latency in 32 bits of 64 ns, and calls a longer one illegal. */
const LONGEST_LATENCY_MS = 274_877;

/**
 * Why netem cannot carry that effect out; undefined when it can. Below 100 %, a correlation has no effect in its delay: the
 * correlated bits are lost by a modulo (Linux 6.1 and 6.12: the same deviation with 0, 50 and 90 %).
 */
export function beyondNetem(effect: Effect): string | undefined {
  if (effect.kind !== 'delay') return undefined;
  const { jitterMs, correlationPercent } = effect;
  if (jitterMs > 0 && correlationPercent > 0 && correlationPercent < 100)
    return `a correlation of ${correlationPercent} % has no effect in netem, whose delay knows 0 and 100 only`;
  return tooLong([effect]);
}

/** Why netem cannot carry these out together, for packets in the scope of all of them; undefined when it can. */
export function beyondNetemTogether(effects: readonly Effect[]): string | undefined {
  const delays = effects.filter((effect): effect is Delay => effect.kind === 'delay');
  if (delays.length < 2) return undefined;
  if (delays.some(({ correlationPercent }) => correlationPercent > 0))
    return 'a delay with correlation cannot be combined with another delay in the same pod';
  return tooLong(delays);
}

/** Delays of one packet add up; independent jitters add up in variance. */
export function sumOfDelays(
  delays: readonly Pick<Delay, 'latencyMs' | 'jitterMs'>[],
): Pick<Delay, 'latencyMs' | 'jitterMs'> {
  return {
    latencyMs: delays.reduce((sum, { latencyMs }) => sum + latencyMs, 0),
    jitterMs: Math.sqrt(delays.reduce((sum, { jitterMs }) => sum + jitterMs ** 2, 0)),
  };
}

function tooLong(delays: readonly Delay[]): string | undefined {
  const { latencyMs, jitterMs } = sumOfDelays(delays);
  const together = delays.length === 1 ? '' : ' in all';
  if (jitterMs > LONGEST_JITTER_MS)
    return `a jitter of ${formatDuration(jitterMs)}${together} is more than netem's ${formatDuration(LONGEST_JITTER_MS)}`;
  if (latencyMs > LONGEST_LATENCY_MS)
    return `a latency of ${formatDuration(latencyMs)}${together} is more than netem's ${formatDuration(LONGEST_LATENCY_MS)}`;
  return undefined;
}
