/** Tells people what a schedule does: one log line and one event for each run that begins or is skipped. */
import type { ScheduleObject, ScheduleStatusDocument, SkippedRun } from '@chaosplane/api';
import { keyOf } from '@chaosplane/kube';
import type { NewRun } from '@chaosplane/lifecycle';
import { runWords } from './children.ts';
import type { ScheduleParts } from './parts.ts';

type TellParts = Pick<ScheduleParts, 'events' | 'logger'>;

const iso = (at: number): string => new Date(at).toISOString().replace('.000Z', 'Z');

/** A run has begun. */
export function tellMade(schedule: ScheduleObject, run: NewRun, { events, logger }: TellParts): void {
  const { kind, name, scheduledFor } = run;
  const planned = iso(scheduledFor);
  logger.info({ schedule: keyOf(schedule.metadata), [runWords[kind]]: name, scheduledFor: planned }, 'run began');
  const message = `the ${runWords[kind]} ${name} was made for ${planned}`;
  events.record(schedule, { type: 'Normal', reason: 'RunBegan', action: 'Create', message });
}

/** What the status says now that it did not say before. */
export function tellReported(
  schedule: ScheduleObject,
  {
    before,
    skipped,
  }: { readonly before: ScheduleStatusDocument | undefined; readonly skipped: SkippedRun | undefined },
  { events, logger }: TellParts,
): void {
  const key = keyOf(schedule.metadata);
  if (skipped !== undefined) {
    const planned = iso(skipped.time);
    logger.warn({ schedule: key, scheduledFor: planned, reason: skipped.reason }, 'run skipped');
    const message = `the run for ${planned} was skipped: ${skipped.reason}`;
    events.record(schedule, { type: 'Warning', reason: 'RunSkipped', action: 'Skip', message });
  }
  const ready = schedule.status?.conditions?.find(({ type }) => type === 'Ready');
  const known = before?.conditions?.find(({ type }) => type === 'Ready');
  if (ready?.status !== 'False' || (known?.status === 'False' && known.message === ready.message)) return;
  logger.warn({ schedule: key, reason: ready.message }, 'schedule is wrong');
  events.record(schedule, { type: 'Warning', reason: ready.reason, action: 'Parse', message: ready.message });
}
