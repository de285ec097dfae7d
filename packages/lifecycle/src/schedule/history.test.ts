/** Regardless of what happens to operators, a run that is due begins once: random histories of kills, old copies, edits and pauses. */
import { expect, test } from '@jest/globals';
import { seededRandom } from '@chaosplane/common/pure';
import { Conflict, Killed, portsOver, scheduleSpec, ScheduleServer } from '../../test/schedules.ts';
import type { ChildRun } from './observation.ts';
import { newestRun } from './planned.ts';
import { planningOf } from './runs.ts';
import { visitSchedule } from './visit.ts';

const plans = [
  { schedule: '@every 10s' },
  { schedule: '@every 25s', jitter: '8s' },
  { schedule: '@every 45s', startingDeadlineSeconds: 30 },
  { schedule: '*/10 * * * *', startingDeadlineSeconds: 90 },
];

const DAY_MS = 24 * 3600_000;

interface Told {
  kills: number;
  readonly runs: number;
}

/** One history; what must always be so is asserted on the way. */
async function live(seed: number): Promise<Told> {
  const random = seededRandom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const plan = { concurrencyPolicy: 'Allow', ...plans[below(plans.length)], successfulHistoryLimit: below(4) };
  const server = new ScheduleServer(scheduleSpec(plan));
  const told = { kills: 0 };
  let isSuspended = false;
  /** From each of them on, no run begins that was planned before it. */
  const edits: { readonly changedAt: number; readonly known: number }[] = [];
  let copy: readonly ChildRun[] = [];

  /** One or two operators look at the same moment. An operator that was killed has lost its copy; its successor lists again. */
  async function look(): Promise<void> {
    // A list of events may be behind: it is told twice, late, or not at all until the next one.
    if (below(3) > 0) copy = [...server.children.values()];
    const isOvertaken = below(4) === 0;
    const outcomes = await Promise.allSettled(
      Array.from({ length: isOvertaken ? 2 : 1 }, async () => {
        let left = below(3) === 0 ? below(8) : Infinity;
        const atWrite = async (): Promise<void> => {
          await Promise.resolve();
          left -= 1;
          if (left >= 0) return;
          told.kills += 1;
          throw new Killed();
        };
        return visitSchedule(portsOver(server, { seen: () => copy, atWrite }));
      }),
    );
    const failures = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason as Error] : []));
    expect(failures.filter((one) => !(one instanceof Killed) && !(one instanceof Conflict))).toEqual([]);
    if (failures.some((one) => one instanceof Killed)) copy = [...server.children.values()];
    if (failures.length < outcomes.length) assertRun();
  }

  /** After a visit that came to its end, the newest run that could begin has begun. */
  function assertRun(): void {
    if (isSuspended) return;
    const { spec, now, changedAt } = server;
    const planned = { spec, uid: 'schedule-uid', createdAt: 0 };
    const from = Math.max(changedAt, now - spec.startingDeadlineSeconds * 1000 - 1, 0);
    const due = newestRun(planningOf(planned), from, now);
    if (due === undefined || due > now - spec.jitter) return;
    const latest = Math.max(0, ...server.made.map(({ scheduledFor }) => scheduledFor));
    expect({ seed, due, begun: latest >= due }).toEqual({ seed, due, begun: true });
  }

  for (let step = 0; step < 60; step++) {
    server.advance([500, 3000, 10_000, 61_000, 400_000, DAY_MS][below(step % 20 === 0 ? 6 : 4)]!);
    if (below(12) === 0) {
      isSuspended = !isSuspended;
      server.edit(scheduleSpec({ ...plan, suspend: isSuspended }));
      edits.push({ changedAt: server.changedAt, known: server.made.length });
    }
    await look();
  }

  for (const { changedAt, known } of edits)
    expect(server.made.slice(known).filter(({ scheduledFor }) => scheduledFor <= changedAt)).toEqual([]);
  const runs = server.made.map(({ scheduledFor }) => scheduledFor);
  expect([seed, new Set(runs).size]).toEqual([seed, runs.length]);
  const deadline = server.spec.startingDeadlineSeconds * 1000;
  for (const { scheduledFor, at } of server.made) {
    expect(at).toBeGreaterThanOrEqual(scheduledFor);
    expect(at).toBeLessThanOrEqual(scheduledFor + deadline);
  }
  return { ...told, runs: runs.length };
}

test('500 histories: a run that is due begins once, within its deadline, and never twice', async () => {
  let [kills, runs] = [0, 0];
  for (let seed = 1; seed <= 500; seed++) {
    const told = await live(seed);
    kills += told.kills;
    runs += told.runs;
  }
  expect(kills).toBeGreaterThan(500);
  expect(runs).toBeGreaterThan(3000);
}, 120_000);
