/** What a daemon says fits into the status of an experiment, for any text. */
import { expect, test } from '@jest/globals';
import { EndReason, Evidence, Execution, ExecutionState, Verdict } from '@chaosplane/proto';
import { evidenceOf, observed } from './executions.ts';

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

test.each([
  ['has ended', { endedAt: new Date(13_500) }, 3500],
  ['is in force', {}, undefined],
  [
    'was away while no daemon ran',
    { endedAt: new Date(13_500), evidence: { ...Evidence.create(), counters: { interrupted_ms: 1500n } } },
    2000,
  ],
  ['happened once', { endedAt: new Date(13_500), endReason: EndReason.END_REASON_DONE }, undefined],
  ['was never in force', { activeAt: undefined, endedAt: new Date(13_500) }, undefined],
  ['ended after a clock was set back', { endedAt: new Date(9000) }, 0],
])('how long a fault was in force that %s', (_what, change, expected) => {
  const state = ExecutionState.EXECUTION_STATE_ENDED;
  const endReason = EndReason.END_REASON_CANCELLED;
  const execution = Execution.create({ state, endReason, activeAt: new Date(10_000), ...change });
  expect(observed(execution).inForceMs).toBe(expected);
});
