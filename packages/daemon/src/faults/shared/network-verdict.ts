/** Whether counts show that a network fault did what was asked for, to the packets it was asked for. Pure. */
import { countOf } from '@chaosplane/common';
import { CYCLE, burstsOf } from '../../netns/bursts.ts';
import type { LayerCounts, Shaped } from '../../netns/counters.ts';
import type { Chance, Layer } from '../../model/layer.ts';
import type { Measured } from '../fault.ts';

/** A verdict, and what has to be said of it behind the summary; empty for one that speaks for itself. */
export interface Judgement {
  readonly verdict: Measured['verdict'];
  readonly words: string;
}

/** How often chance alone makes a fault look wrong that is right: once in so many. */
const FALSE_ALARM = 1e-4;

/** Packets up to which the binomial distribution is summed up; for more, Chernoff's bound is as good, and never too narrow. */
const SUMMED_PACKETS = 10_000;

/** The rules of a layer, and with them its cycle, begin again when another fault of the pod comes or goes: so often at most. */
const CYCLES_BEGUN = 4;

/** `1204` → `1,204 packets`. */
export const packets = (count: number): string => countOf(count, 'packet');

/** ` (12.5 %)`; nothing while nothing came by. */
export function share(part: number, whole: number): string {
  return whole === 0 ? '' : ` (${((100 * part) / whole).toFixed(1)} %)`;
}

/** What queues did with packets: all of it counts as having reached them, but what the fault itself failed to send on. */
export const reached = ({ packets: left, held, drops }: Shaped): number => left + held + drops;

/**
 * Of a fault that must hit each packet in scope: verified when it did. The packets in scope are counted first and `affected`
 * later, so what is on its way in between is no difference. A large packet of TCP (GSO) is one in scope and several behind.
 */
export function judgeAll({ matched, unattended = 0 }: LayerCounts, affected: number, done: string): Judgement {
  const expected = matched - unattended;
  if (matched === 0) return { verdict: 'no-traffic', words: '' };
  if (expected === 0 && affected === 0)
    return { verdict: 'no-traffic', words: '; none of them since this daemon took it over' };
  const missed = Math.max(0, expected - affected);
  if (missed === 0) return { verdict: 'verified', words: '' };
  return { verdict: 'not-observed', words: `; ${packets(missed)}${share(missed, expected)} were not ${done}` };
}

/**
 * Of a fault that chooses by chance: verified when it chose as many as chance allows, and any. Hits are counted after the packets in
 * scope: those above all of them came by in between.
 */
export function judgeChance({ id, effect }: Layer, { matched: counted, hit }: LayerCounts): Judgement {
  const matched = Math.max(counted, hit);
  if (counted === 0) return { verdict: 'no-traffic', words: '' };
  if (!('percent' in effect)) throw new Error(`${effect.kind} is not a matter of chance`);
  const { least, most } = boundsOf(matched, effect, id);
  if (hit >= least && hit <= most) {
    if (hit > 0) return { verdict: 'verified', words: '' };
    return { verdict: 'not-observed', words: '; so few came by that chance may have spared all of them' };
  }
  const percentOf = (count: number): string => ((100 * count) / matched).toFixed(2);
  return {
    verdict: 'not-observed',
    words: `; chance allows ${percentOf(least)} to ${percentOf(most)} % where ${effect.percent} % was asked for`,
  };
}

/** How many of `count` packets may be hit. */
export interface Bounds {
  readonly least: number;
  readonly most: number;
}

/** How many of so many packets may be hit, but for one case in ten thousand. */
export function boundsOf(count: number, { percent, correlationPercent }: Chance, seed: string): Bounds {
  // As the rules dice: see netns/effect-rules.ts.
  const p = Math.max(1, Math.round(percent * 1000)) / 100_000;
  if (p >= 1) return { least: count, most: count };
  if (correlationPercent > 0) return boundsOfCycle(count, percent, correlationPercent, seed);
  return count <= SUMMED_PACKETS ? summedBounds(count, p) : chernoffBounds(count, p);
}

/** Exact: beyond either bound there is less than half of the false alarms. */
function summedBounds(count: number, p: number): Bounds {
  const odds = Math.log(p) - Math.log1p(-p);
  const chances: number[] = [];
  let logarithm = count * Math.log1p(-p);
  for (let hits = 0; hits <= count; hits++) {
    chances.push(Math.exp(logarithm));
    logarithm += Math.log(count - hits) - Math.log(hits + 1) + odds;
  }
  let [least, most] = [0, count];
  for (let below = chances[0] ?? 0; below < FALSE_ALARM / 2; below += chances[least] ?? 1) least++;
  for (let above = chances[count] ?? 0; above < FALSE_ALARM / 2; above += chances[most] ?? 1) most--;
  return { least, most };
}

/** P(share at least as far off as x) ≤ exp(−n KL(x, p)): Chernoff and Hoeffding. */
function chernoffBounds(count: number, p: number): Bounds {
  const enough = Math.log(2 / FALSE_ALARM) / count;
  const term = (a: number, b: number): number => (a === 0 ? 0 : a * Math.log(a / b));
  const distance = (x: number): number => term(x, p) + term(1 - x, 1 - p);
  const edge = (outer: number): number => {
    let [inside, outside] = [p, outer];
    for (let halved = 0; halved < 60; halved++) {
      const middle = (inside + outside) / 2;
      if (distance(middle) < enough) inside = middle;
      else outside = middle;
    }
    return outside;
  };
  return { least: Math.floor(count * edge(0)), most: Math.ceil(count * edge(1)) };
}

/**
 * With correlation there is no chance left in the kernel: any stretch of the cycle differs from its share by what the cycle says.
 */
function boundsOfCycle(count: number, percent: number, correlationPercent: number, seed: string): Bounds {
  const runs = burstsOf(percent, correlationPercent, seed);
  const hits = runs.reduce((sum, { from, to }) => sum + to - from + 1, 0);
  let [before, lowest, highest] = [0, 0, 0];
  for (const { from, to } of runs) {
    lowest = Math.min(lowest, before - (from * hits) / CYCLE);
    before += to - from + 1;
    highest = Math.max(highest, before - ((to + 1) * hits) / CYCLE);
  }
  const expected = (count * hits) / CYCLE;
  const off = CYCLES_BEGUN * (highest - lowest);
  return { least: Math.max(0, Math.floor(expected - off)), most: Math.min(count, Math.ceil(expected + off)) };
}
