/** What counts say of a fault, and what chance may do. */
import { describe, expect, test } from '@jest/globals';
import { burstsOf } from '../../netns/bursts.ts';
import type { LayerCounts } from '../../netns/counters.ts';
import type { Chance, Effect, Layer } from '../../model/layer.ts';
import { boundsOf } from './network-verdict.ts';
import { networkBandwidth } from '../catalogue/network-bandwidth.ts';
import { networkDelay } from '../catalogue/network-delay.ts';
import { networkLoss } from '../catalogue/network-loss.ts';
import { networkPartition } from '../catalogue/network-partition.ts';

const layer = (effect: Effect): Layer => {
  return { id: 'la', scope: { directions: ['egress'], peers: [], ports: [], interfaces: ['eth0'] }, effect };
};
const counts = (of: Partial<LayerCounts>): LayerCounts => ({ matched: 0, matchedBytes: 0, hit: 0, ...of });
const shaped = (packets: number, held = 0, drops = 0, refused = 0) => ({
  packets,
  bytes: 100 * packets,
  held,
  heldBytes: 100 * held,
  drops,
  refused,
});

describe('a delay', () => {
  const delay = layer({ kind: 'delay', latencyMs: 60_000, jitterMs: 0, correlationPercent: 0 });
  const evidence = (of: Partial<LayerCounts>) => networkDelay.evidence(delay, counts(of));

  test.each([
    [
      'of every packet',
      { matched: 10, shaped: shaped(10) },
      'verified',
      '10 packets delayed by 1m, of 10 packets in scope',
    ],
    [
      'that is longer than the experiment',
      { matched: 12, shaped: shaped(0, 12) },
      'verified',
      '0 packets delayed by 1m, 12 packets wait, of 12 packets in scope',
    ],
    [
      'whose queue is full',
      { matched: 12, shaped: shaped(8, 1, 3) },
      'verified',
      '8 packets delayed by 1m, 1 packet waits, 3 packets lost because the queue was full, of 12 packets in scope',
    ],
    [
      'whose packets the kernel does not take back',
      { matched: 12, shaped: shaped(0, 0, 0, 12) },
      'not-observed',
      '0 packets delayed by 1m, 12 packets lost because the kernel refused to send them, of 12 packets in scope; 12 packets (100.0 %) were not delayed',
    ],
    [
      'of packets that are split behind it',
      { matched: 10, shaped: shaped(170) },
      'verified',
      '10 packets delayed by 1m, of 10 packets in scope',
    ],
    [
      'of some packets',
      { matched: 10, shaped: shaped(4, 1) },
      'not-observed',
      '4 packets delayed by 1m, 1 packet waits, of 10 packets in scope; 5 packets (50.0 %) were not delayed',
    ],
    [
      'that this daemon took over',
      { matched: 100, unattended: 90, shaped: shaped(10) },
      'verified',
      '10 packets delayed by 1m, of 100 packets in scope',
    ],
    [
      'that has seen nothing since this daemon took it over',
      { matched: 90, unattended: 90, shaped: shaped(0) },
      'no-traffic',
      '0 packets delayed by 1m, of 90 packets in scope; none of them since this daemon took it over',
    ],
    ['of nothing', { shaped: shaped(0) }, 'no-traffic', '0 packets delayed by 1m, of 0 packets in scope'],
  ] as const)('%s', (_name, of, verdict, summary) => {
    expect(evidence(of)).toMatchObject({ verdict, summary });
  });
});

test('a bandwidth is verified when every packet went through it or found it full', () => {
  const limit = layer({ kind: 'bandwidth', rateBits: 1e6, burstBytes: 15_000, latencyMs: 50 });
  const verdict = (passed: number, held: number, drops: number) =>
    networkBandwidth.evidence(limit, counts({ matched: 20, shaped: shaped(passed, held, drops) })).verdict;
  expect([verdict(10, 4, 6), verdict(10, 4, 5)]).toEqual(['verified', 'not-observed']);
});

test('a partition is verified when no packet passed', () => {
  const evidence = (hit: number) =>
    networkPartition.evidence(layer({ kind: 'partition', how: 'silent' }), counts({ matched: 20, hit }));
  expect([evidence(20).verdict, evidence(19).verdict]).toEqual(['verified', 'not-observed']);
  expect(evidence(19).summary).toBe('19 packets dropped, of 20 packets in scope; 1 packet (5.0 %) were not dropped');
});

describe('a loss', () => {
  const loss = layer({ kind: 'loss', percent: 30, correlationPercent: 0 });
  test.each([
    ['of the share that was asked for', 1000, 300, 'verified', ''],
    ['of a share that chance allows', 1000, 350, 'verified', ''],
    ['of too much', 1000, 360, 'not-observed', '; chance allows 24.50 to 35.70 % where 30 % was asked for'],
    ['of too little', 1000, 240, 'not-observed', '; chance allows 24.50 to 35.70 % where 30 % was asked for'],
    ['that had no chance yet', 3, 0, 'not-observed', '; so few came by that chance may have spared all of them'],
    ['that lost all of a few', 3, 3, 'verified', ''],
    ['that lost all of some', 20, 20, 'not-observed', '; chance allows 0.00 to 70.00 % where 30 % was asked for'],
    ['of nothing', 0, 0, 'no-traffic', ''],
  ] as const)('%s', (_name, matched, hit, verdict, words) => {
    const { verdict: found, summary } = networkLoss.evidence(loss, counts({ matched, hit }));
    expect([found, summary.slice(summary.indexOf('in scope') + 8)]).toEqual([verdict, words]);
  });

  test('of 100 % is verified when it lost all', () => {
    const all: Chance = { percent: 100, correlationPercent: 0 };
    expect(boundsOf(1000, all, 'la')).toEqual({ least: 1000, most: 1000 });
    const lost = (matched: number, hit: number) =>
      networkLoss.evidence(layer({ kind: 'loss', ...all }), counts({ matched, hit })).verdict;
    expect([lost(1000, 1000), lost(1000, 999)]).toEqual(['verified', 'not-observed']);
  });

  test('of 100 % is verified also while packets come by: two more were lost than there were when these were counted', () => {
    const { verdict, summary } = networkLoss.evidence(
      layer({ kind: 'loss', percent: 100, correlationPercent: 0 }),
      counts({ matched: 4607, hit: 4609 }),
    );
    expect([verdict, summary]).toEqual(['verified', expect.stringMatching(/of 4,607 packets in scope$/)]);
  });
});

describe('what chance allows', () => {
  test.each([1, 7, 60, 500, 2000])('of %d packets is exceeded no more often than once in ten thousand', (count) => {
    for (const percent of [0.1, 1, 20, 50, 97]) {
      const { least, most } = boundsOf(count, { percent, correlationPercent: 0 }, '');
      const [p, q] = [percent / 100, 1 - percent / 100];
      // Each chance from the one before it, from the middle outwards: another way than the code's.
      const chances = Array<number>(count + 1).fill(0);
      const middle = Math.round(count * p);
      chances[middle] = 1;
      for (let hits = middle; hits < count; hits++)
        chances[hits + 1] = ((chances[hits] ?? 0) * (count - hits) * p) / ((hits + 1) * q);
      for (let hits = middle; hits > 0; hits--)
        chances[hits - 1] = ((chances[hits] ?? 0) * hits * q) / ((count - hits + 1) * p);
      const total = chances.reduce((sum, chance) => sum + chance);
      const outside = chances.filter((_, hits) => hits < least || hits > most).reduce((sum, chance) => sum + chance, 0);
      expect(outside / total).toBeLessThan(1e-4);
      // And no narrower bounds would do.
      for (const edge of [least, most])
        if (edge > 0 && edge < count) expect((outside + (chances[edge] ?? 0)) / total).toBeGreaterThan(5e-5);
    }
  });

  test('of many packets is close to what was asked for', () => {
    const { least, most } = boundsOf(1_000_000, { percent: 20, correlationPercent: 0 }, '');
    expect([least, most].map((hits) => Math.round(hits / 100))).toEqual([1982, 2018]);
  });

  test('with correlation is what any stretch of the cycle holds', () => {
    const chance: Chance = { percent: 20, correlationPercent: 60 };
    const hit = new Set(
      burstsOf(20, 60, 'la').flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, n) => from + n)),
    );
    for (const [start, count] of [
      [0, 50],
      [1000, 500],
      [4000, 3000],
      [17, 20_000],
    ] as const) {
      const hits = Array.from({ length: count }, (_, n) => (start + n) % 4096).filter((at) => hit.has(at)).length;
      const { least, most } = boundsOf(count, chance, 'la');
      expect(hits).toBeGreaterThanOrEqual(least);
      expect(hits).toBeLessThanOrEqual(most);
    }
    const { least, most } = boundsOf(100_000, chance, 'la');
    expect(least).toBeGreaterThan(19_000);
    expect(most).toBeLessThan(21_000);
  });
});
