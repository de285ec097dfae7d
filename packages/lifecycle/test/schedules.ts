/** Schedules as tests write them, and an API server that keeps one of them with its runs. */
import {
  childName,
  parseSchedule,
  scheduleStatusDocument,
  scheduleStatusFrom,
  type ScheduleSpec,
  type ScheduleStatus,
  type ScheduleStatusDocument,
  type SkippedRun,
} from '@chaosplane/api';
import type { ChildRun, NewRun, ScheduleObservation } from '../src/schedule/observation.ts';
import type { MadeRun, SchedulePorts } from '../src/schedule/visit.ts';
import { zonedText } from '../src/schedule/zone.ts';

/** The spec of an experiment of ten seconds. */
export const experiment = {
  target: { labelSelector: { matchLabels: { app: 'web' } } },
  action: { type: 'network-delay', parameters: { latency: '100ms' } },
  duration: '10s',
};

export const scheduleDocument = (spec: object): object => ({
  apiVersion: 'chaos.chaosplane.io/v1alpha1',
  kind: 'ChaosSchedule',
  metadata: { name: 'nightly' },
  spec: { schedule: '* * * * *', experiment, ...spec },
});

/** A run each minute, with what differs. */
export const scheduleSpec = (change: object = {}): ScheduleSpec =>
  parseSchedule(scheduleDocument(change), 'cluster').spec;

/** The operator was killed at this write. */
export class Killed extends Error {}

/** A write was based on what is not so any more. */
export class Conflict extends Error {}

/** A child as the API server has it. */
interface Kept extends ChildRun {
  readonly endsAt: number;
}

const SECOND_MS = 1000;

/** An API server with one schedule. */
export class ScheduleServer {
  now = 0;
  generation = 1;
  changedAt = 0;
  status: ScheduleStatusDocument | undefined;
  version = 0;
  children = new Map<string, Kept>();
  /** Each run that was ever made: for when it was planned, and when it was made. */
  readonly made: { readonly scheduledFor: number; readonly at: number }[] = [];
  readonly skipped: SkippedRun[] = [];
  spec: ScheduleSpec;
  lastsMs = 10_000;
  #uids = 0;

  constructor(spec: ScheduleSpec) {
    this.spec = spec;
  }

  edit(spec: ScheduleSpec): void {
    this.spec = spec;
    this.generation += 1;
    // The API server writes whole seconds.
    this.changedAt = Math.floor(this.now / SECOND_MS) * SECOND_MS;
    this.version += 1;
  }

  /** Time passes, and experiments end. */
  advance(ms: number): void {
    this.now += ms;
    for (const [name, child] of this.children) {
      if (child.endsAt > this.now) continue;
      if (child.isDeleted) this.children.delete(name);
      else this.children.set(name, { ...child, state: child.state === 'ending' ? 'failed' : 'succeeded' });
    }
  }

  create({ kind, name, scheduledFor }: NewRun): Kept {
    const known = this.children.get(name);
    if (known !== undefined) return known;
    this.#uids += 1;
    const endsAt = this.now + this.lastsMs;
    const child: Kept = { kind, name, uid: `u${this.#uids}`, scheduledFor, state: 'running', isDeleted: false, endsAt };
    this.children.set(name, child);
    this.made.push({ scheduledFor, at: this.now });
    return child;
  }

  report(status: ScheduleStatus, version: number, skipped: SkippedRun | undefined): void {
    if (version !== this.version) throw new Conflict();
    const before = scheduleStatusFrom(this.status);
    for (const field of ['lastScheduleTime', 'countsFrom'] as const)
      if ((status[field] ?? 0) < (before[field] ?? 0)) throw new Error(`${field} went back`);
    const local = (at: number): string => zonedText(this.spec.timeZone, at);
    this.status = scheduleStatusDocument(status, { previous: this.status, now: this.now, local });
    this.version += 1;
    if (skipped !== undefined) this.skipped.push(skipped);
  }

  change(name: string, change: Partial<Kept>): void {
    const child = this.children.get(name);
    if (child === undefined) return;
    if (change.isDeleted === true && child.endsAt <= this.now) this.children.delete(name);
    else this.children.set(name, { ...child, ...change });
  }
}

/** How one operator lives. */
export interface OperatorLife {
  /** The copy of the children that it has, which may be old. */
  readonly seen: () => readonly ChildRun[];
  /** Called before and after each write; it may throw. */
  readonly atWrite?: () => void | Promise<void>;
  readonly asked?: () => ScheduleObservation['asked'];
  readonly onAsk?: (scheduledFor: number) => void;
  readonly refuses?: string;
}

/** The ports of one operator. What it made itself, it knows. */
export function portsOver(server: ScheduleServer, life: OperatorLife): SchedulePorts {
  const own = new Map<string, ChildRun>();
  let version = -1;
  const write = async <T>(change: () => T): Promise<T> => {
    await life.atWrite?.();
    const result = change();
    await life.atWrite?.();
    return result;
  };
  return {
    now: () => server.now,
    async observe() {
      version = server.version;
      const asked = life.asked?.();
      const children = [...new Map([...life.seen().map((one) => [one.uid, one] as const), ...own]).values()];
      return {
        name: 'nightly',
        uid: 'schedule-uid',
        createdAt: 0,
        generation: server.generation,
        changedAt: server.changedAt,
        spec: server.spec,
        status: scheduleStatusFrom(server.status),
        children: children.map(({ kind, name, uid, scheduledFor, state, isDeleted }) => ({
          ...{ kind, name, uid, scheduledFor, state, isDeleted },
        })),
        ...(asked === undefined ? {} : { asked }),
      };
    },
    report: (status, skipped) => write(() => server.report(status, version, skipped)),
    create: (run) =>
      write((): MadeRun => {
        if (life.refuses !== undefined) return { refused: life.refuses };
        const child = server.create(run);
        own.set(child.uid, child);
        return 'made';
      }),
    delete: (child) =>
      write(() => {
        server.change(child.name, { isDeleted: true });
        own.set(child.uid, { ...child, isDeleted: true });
      }),
    abort: (child) =>
      write(() => {
        server.change(child.name, { state: 'ending', endsAt: server.now + 3000 });
        own.set(child.uid, { ...child, state: 'ending' });
      }),
    ask: (scheduledFor) => life.onAsk?.(scheduledFor),
  };
}

/** The name of the run of an instant. */
export const runName = (spec: ScheduleSpec, scheduledFor: number): string =>
  childName('nightly', spec.schedule.timetable.kind, scheduledFor);
