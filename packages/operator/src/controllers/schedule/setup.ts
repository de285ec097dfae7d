/** Sets the controller of ChaosSchedules up: its queue, and what brings a key into it. */
import { scheduleUidOf, type ScheduleObject } from '@chaosplane/api';
import { createWorkQueue, keyOf, refOfKey, type Component, type Informer } from '@chaosplane/kube';
import { queueComponent, type TermParts } from '../../term.ts';
import { stateOf, type RunObject } from './children.ts';
import { scheduleReconciler } from './controller.ts';

/** A visit reads one object and seldom writes: few workers are enough for many schedules. */
const WORKERS = 4;

/** An operator that was upgraded before its resource definitions has no schedules, and does the rest. Milliseconds. */
const PATIENCE_MS = 10_000;

export function setupSchedules(term: TermParts): readonly Component[] {
  const { client, caches, config, events, clock, logger, metrics } = term;
  // The copy of workflows is empty where the cluster does not know them: its start is waited for by their own controller.
  const { schedules, experiments, workflows } = caches;
  const reconcile = scheduleReconciler({
    ...{ client, events, clock, logger, allowLocalProbes: config.allowLocalProbes },
    childrenOf: (uid) => [...experiments.byIndex(BY_SCHEDULE, uid), ...workflows.byIndex(BY_SCHEDULE, uid)],
    wake: (key) => queue.add(key),
  });
  const queue = createWorkQueue(
    {
      name: 'schedules',
      reconcile,
      concurrency: WORKERS,
      groupOf: (key) => refOfKey(key).namespace ?? '',
      perGroup: WORKERS / 2,
      observer: metrics.queues.of('schedules'),
    },
    { clock, logger },
  );
  schedules.onChange(({ type, object, previous }) => {
    if (type === 'deleted' || concerns(object, previous)) queue.add(keyOf(object.metadata));
  });
  follow(experiments, (key) => queue.add(key));
  follow(workflows, (key) => queue.add(key));
  const cache: Component = {
    name: `cache of ${schedules.name}`,
    start: async (signal) => Promise.race([schedules.start(signal), clock.sleep(PATIENCE_MS, signal)]),
  };
  return [queueComponent('schedules', queue), cache];
}

/** Runs by the uid of their schedule. */
const BY_SCHEDULE = 'schedule';

/** Wakes the schedules of runs that are new, have ended, or are gone. */
function follow<T extends RunObject>(runs: Informer<T>, wake: (key: string) => void): void {
  runs.addIndex(BY_SCHEDULE, (object) => [scheduleUidOf(object) ?? ''].filter(Boolean));
  runs.onChange(({ type, object, previous }) => {
    const owner = ownerKeyOf(object);
    if (owner === undefined) return;
    if (type !== 'updated' || previous === undefined || isNews(object, previous)) wake(owner);
  });
}

/** Our own writes of the status are no news. */
function concerns({ metadata }: ScheduleObject, previous: ScheduleObject | undefined): boolean {
  const before = previous?.metadata;
  return (
    before?.uid !== metadata.uid ||
    before?.generation !== metadata.generation ||
    before?.deletionTimestamp !== metadata.deletionTimestamp
  );
}

/** The schedule that a run names as its owner; the visit finds out whether it is. */
function ownerKeyOf({ metadata }: RunObject): string | undefined {
  if (scheduleUidOf({ metadata }) === undefined) return undefined;
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  return owner === undefined ? undefined : keyOf({ name: owner.name, namespace: metadata.namespace ?? '' });
}

function isNews(object: RunObject, previous: RunObject): boolean {
  const isDeleted = ({ metadata }: RunObject): boolean => metadata.deletionTimestamp !== undefined;
  return stateOf(object) !== stateOf(previous) || isDeleted(object) !== isDeleted(previous);
}
