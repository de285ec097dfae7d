/** What a daemon says fits into the status of an experiment, for any text. */
import { expect, test } from '@jest/globals';
import { Evidence, Verdict } from '@chaosplane/proto';
import { evidenceOf } from './executions.ts';

test('evidence without measure is cut to what 500 targets of one shard have room for, in numbers that Kubernetes takes', () => {
  const evidence = Evidence.create({
    verdict: Verdict.VERDICT_VERIFIED,
    engine: 'e'.repeat(10_000),
    summary: 's'.repeat(100_000),
    counters: Object.fromEntries(
      Array.from({ length: 1000 }, (_, index) => [`${index}${'c'.repeat(1000)}`, 2n ** 64n - 1n]),
    ),
    notes: Array.from({ length: 1000 }, () => 'n'.repeat(1000)),
  });
  const told = evidenceOf(evidence);
  // A request to etcd may be 1.5 MiB.
  expect(500 * JSON.stringify(told).length).toBeLessThan(1_300_000);
  expect(Object.values(told.counters).every(Number.isSafeInteger)).toBe(true);
});

test('evidence as daemons give it is told in full', () => {
  const evidence = Evidence.create({
    verdict: Verdict.VERDICT_VERIFIED,
    engine: 'queue',
    summary: '31 packets delayed by 200ms, of 31 packets in scope',
    counters: { matched: 31n, delayed: 31n },
    notes: ['delayed in user space by the queue engine: while no daemon runs, packets pass undelayed'],
  });
  expect(evidenceOf(evidence)).toEqual({
    verdict: 'Verified',
    engine: 'queue',
    summary: evidence.summary,
    counters: { matched: 31, delayed: 31 },
    notes: evidence.notes,
  });
});
