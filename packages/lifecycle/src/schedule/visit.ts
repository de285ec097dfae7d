/** Carries out what is decided for a schedule, until there is nothing to do for a while. */
import type { ScheduleStatus, SkippedRun } from '@chaosplane/api';
import { decideSchedule } from './decide.ts';
import type { ChildRun, NewRun, ScheduleObservation } from './observation.ts';

/** What became of a run that was to be made: it is there, or the API server does not take it. */
export type MadeRun = 'made' | { readonly refused: string };

/** What a schedule is carried out with. */
export interface SchedulePorts {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Undefined when the schedule is gone, or is to go. The status is what was written last. */
  observe(): Promise<ScheduleObservation | undefined>;
  /** @throws when another program wrote first. */
  report(status: ScheduleStatus, skipped: SkippedRun | undefined): Promise<void>;
  /** A run that is there already is made. What is made is observed from then on. */
  create(run: NewRun): Promise<MadeRun>;
  delete(child: ChildRun): Promise<void>;
  abort(child: ChildRun): Promise<void>;
  /** Keeps the probes of startWhen being asked, and wakes the schedule when they have said something else. */
  ask(scheduledFor: number): void;
}

/** When to come again: at an instant, or only when something changes. */
export interface NextVisit {
  readonly at?: number;
}

/** One visit. Undefined: nothing of it is left to do, ever. */
export async function visitSchedule(ports: SchedulePorts): Promise<NextVisit | undefined> {
  let refused: ScheduleObservation['refused'];
  for (;;) {
    const observed = await ports.observe();
    if (observed === undefined) return undefined;
    const decision = decideSchedule(refused === undefined ? observed : { ...observed, refused }, ports.now());
    switch (decision.kind) {
      case 'report':
        await ports.report(decision.status, decision.skipped);
        break;
      case 'create': {
        const { run } = decision;
        const made = await ports.create(run);
        if (made !== 'made') refused = { scheduledFor: run.scheduledFor, reason: made.refused };
        break;
      }
      case 'delete':
        for (const child of decision.children) await ports.delete(child);
        break;
      case 'abort':
        for (const child of decision.children) await ports.abort(child);
        break;
      case 'ask':
        ports.ask(decision.scheduledFor);
        return { at: decision.until };
      case 'wait':
        return decision.until === undefined ? {} : { at: decision.until };
    }
  }
}
