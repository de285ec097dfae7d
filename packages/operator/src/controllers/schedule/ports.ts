/** A visit to one schedule: what is known of it, and how its decisions are carried out on the API server. */
import {
  ABORT_ANNOTATION,
  chaosSchedules,
  parseSchedule,
  scheduleStatusDocument,
  scheduleStatusFrom,
  scheduleUidOf,
  specChangedAt,
  type ScheduleObject,
  type ScheduleSpec,
  type ScheduleStatus,
} from '@chaosplane/api';
import { ChaosError, defined } from '@chaosplane/common';
import { isAlreadyExists, isNotFound, KubeError } from '@chaosplane/kube';
import { zonedText, type ChildRun, type MadeRun, type NewRun, type SchedulePorts } from '@chaosplane/lifecycle';
import { FIELD_MANAGER } from '../../field-manager.ts';
import { scheduleAsApplied } from '../experiment/applied.ts';
import { askUntilPassed } from './asking.ts';
import { childRunOf, objectOf, runTypes, runWords, type RunObject } from './children.ts';
import type { ScheduleMemory, ScheduleParts } from './parts.ts';
import { tellMade, tellReported } from './tell.ts';

/** What one visit works with. */
export interface VisitParts extends ScheduleParts {
  readonly memory: ScheduleMemory;
  readonly key: string;
  readonly signal: AbortSignal;
  /** The probes of startWhen are to be asked on. */
  readonly onAsk: () => void;
}

/** A copy that has not heard of a run for so long never will. Milliseconds. */
const COPY_PATIENCE_MS = 60_000;

/** The ports of a visit to a schedule that was read now. */
export async function schedulePorts(read: ScheduleObject, parts: VisitParts): Promise<SchedulePorts> {
  const { client, clock, memory, signal, key } = parts;
  let object = read;
  const { uid = '', generation = 0, creationTimestamp = '' } = read.metadata;
  const createdAt = Date.parse(creationTimestamp);
  const { spec, broken } = examine(read);
  await readMissing(scheduleStatusFrom(read.status), parts);
  return {
    now: () => clock.now(),
    async observe() {
      signal.throwIfAborted();
      if (object.metadata.deletionTimestamp !== undefined) return undefined;
      return {
        name: object.metadata.name,
        uid,
        createdAt,
        generation,
        // Where it does not tell, no run begins that was planned before it was seen.
        changedAt: specChangedAt(read) ?? clock.now(),
        spec,
        status: scheduleStatusFrom(object.status),
        children: childrenOf(parts),
        ...defined({ broken, asked: memory.asked }),
      };
    },
    async report(status, skipped) {
      const before = object.status;
      object = await writeStatus(object, status, { parts, timeZone: spec?.timeZone ?? 'UTC' });
      tellReported(object, { before, skipped }, parts);
    },
    create: (run) => makeRun(object, run, parts),
    async delete(child) {
      memory.deleted.add(child.uid);
      await client.delete(runTypes[child.kind], refOf(child, object), { uid: child.uid, signal });
    },
    async abort(child) {
      // The uid is a precondition: another object of that name is none of its runs.
      const body = { metadata: { uid: child.uid, annotations: { [ABORT_ANNOTATION]: 'true' } } };
      const patched = client.patch(runTypes[child.kind], refOf(child, object), { kind: 'merge', body }, { signal });
      await patched.catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
      memory.aborted.add(child.uid);
    },
    ask(scheduledFor) {
      parts.onAsk();
      if (spec?.startWhen === undefined) return;
      const { namespace = '' } = object.metadata;
      askUntilPassed(spec.startWhen, scheduledFor, { ...parts, namespace, wake: () => parts.wake(key) });
    },
  };
}

const refOf = ({ name }: ChildRun, { metadata }: ScheduleObject): { name: string; namespace: string } => ({
  name,
  namespace: metadata.namespace ?? '',
});

/** What the API server let pass and cannot be understood. */
function examine(object: ScheduleObject): { readonly spec: ScheduleSpec | undefined; readonly broken?: string } {
  const { apiVersion, kind, metadata } = object;
  const { name, namespace } = metadata;
  try {
    const document = { apiVersion, kind, metadata: { name, namespace }, spec: scheduleAsApplied(object) };
    return { spec: parseSchedule(document, 'cluster').spec };
  } catch (error) {
    if (!(error instanceof ChaosError)) throw error;
    return { spec: undefined, broken: error.message };
  }
}

/** A copy may be behind what is written: a run that is under way by the status, and that it does not have, is asked for. */
async function readMissing({ active }: ScheduleStatus, parts: VisitParts): Promise<void> {
  const { client, memory, signal, clock, key } = parts;
  const known = new Set(parts.childrenOf(memory.uid).map(({ metadata }) => metadata.uid));
  const namespace = key.slice(0, key.indexOf('/'));
  for (const { kind, name, uid } of active.filter((run) => !known.has(run.uid) && !memory.own.has(run.uid))) {
    const object = await client.get(runTypes[kind], { name, namespace }, { signal });
    const child = object === undefined ? undefined : childRunOf(object, memory.uid);
    if (child?.uid === uid) memory.own.set(uid, { child, at: clock.monotonic() });
  }
}

/** Those of the copy, and those that are known here before it. */
function childrenOf({ memory, childrenOf: copied, clock }: VisitParts): readonly ChildRun[] {
  const known = copied(memory.uid).flatMap((object) => childRunOf(object, memory.uid) ?? []);
  const uids = new Set(known.map(({ uid }) => uid));
  for (const [uid, { at }] of memory.own)
    if (uids.has(uid) || clock.monotonic() - at > COPY_PATIENCE_MS) memory.own.delete(uid);
  const children = [...known, ...[...memory.own.values()].map(({ child }) => child)];
  const there = new Set(children.map(({ uid }) => uid));
  for (const asked of [memory.aborted, memory.deleted]) for (const uid of asked) if (!there.has(uid)) asked.delete(uid);
  return children.map((child) => ({
    ...child,
    state: child.state === 'running' && memory.aborted.has(child.uid) ? 'ending' : child.state,
    isDeleted: child.isDeleted || memory.deleted.has(child.uid),
  }));
}

/** Forced, because the status is the operator's own; and only over the version that was read. */
async function writeStatus(
  object: ScheduleObject,
  status: ScheduleStatus,
  { parts, timeZone }: { readonly parts: VisitParts; readonly timeZone: string },
): Promise<ScheduleObject> {
  const { client, clock, signal } = parts;
  const { apiVersion, kind, metadata, status: previous } = object;
  const { name, namespace = '', resourceVersion = '' } = metadata;
  const local = (at: number): string => zonedText(timeZone, at);
  const document = scheduleStatusDocument(status, { previous, now: clock.now(), local });
  return client.apply(
    chaosSchedules,
    { apiVersion, kind, metadata: { name, namespace, resourceVersion }, status: document },
    { fieldManager: FIELD_MANAGER, force: true, subresource: 'status', signal },
  );
}

/** The name is the instant, so a run that an operator made before it died is found, and none is made twice. */
async function makeRun(schedule: ScheduleObject, run: NewRun, parts: VisitParts): Promise<MadeRun> {
  const { client, clock, memory, signal } = parts;
  const { namespace = '' } = schedule.metadata;
  const type = runTypes[run.kind];
  try {
    const made = await client.create(type, objectOf(schedule, run), { signal });
    tellMade(schedule, run, parts);
    return note(made);
  } catch (error) {
    if (isAlreadyExists(error)) {
      const there = await client.get(type, { name: run.name, namespace }, { signal });
      // It went away in between.
      if (there === undefined) throw error;
      if (scheduleUidOf(there) === memory.uid) return note(there);
      return { refused: `there is another ${runWords[run.kind]} ${run.name}, which this schedule did not make` };
    }
    if (error instanceof KubeError && FINAL.has(error.status)) return { refused: error.message };
    throw error;
  }

  function note(object: RunObject): MadeRun {
    const child = childRunOf(object, memory.uid) ?? {
      ...{ ...run, uid: object.metadata.uid ?? '' },
      ...({ state: 'running', isDeleted: false } as const),
    };
    memory.own.set(child.uid, { child, at: clock.monotonic() });
    return 'made';
  }
}

/** Answers that asking again does not change: it is not valid, or not allowed. */
const FINAL: ReadonlySet<number> = new Set([400, 403, 422]);
