/** Sets the controller of ChaosSchedules up: its queue, and what brings a key into it. */
import { scheduleUidOf, type ExperimentObject, type ScheduleObject } from '@chaosplane/api';
import { createWorkQueue, keyOf, refOfKey, type Component } from '@chaosplane/kube';
import { queueComponent, type TermParts } from '../../term.ts';
import { stateOf } from './children.ts';
import { scheduleReconciler } from './controller.ts';

/** A visit reads one object and seldom writes: few workers are enough for many schedules. */
const WORKERS = 4;

/** An operator that was upgraded before its resource definitions has no schedules, and does the rest. Milliseconds. */
const PATIENCE_MS = 10_000;

export function setupSchedules(term: TermParts): readonly Component[] {
  const { client, caches, config, events, clock, logger, metrics } = term;
  const { schedules, experiments } = caches;
  experiments.addIndex(BY_SCHEDULE, (object) => [scheduleUidOf(object) ?? ''].filter(Boolean));
  const reconcile = scheduleReconciler({
    ...{ client, events, clock, logger, allowLocalProbes: config.allowLocalProbes },
    childrenOf: (uid) => experiments.byIndex(BY_SCHEDULE, uid),
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
  experiments.onChange(({ type, object, previous }) => {
    const owner = ownerKeyOf(object);
    if (owner === undefined) return;
    if (type !== 'updated' || previous === undefined || isNews(object, previous)) queue.add(owner);
  });
  const cache: Component = {
    name: `cache of ${schedules.name}`,
    start: async (signal) => Promise.race([schedules.start(signal), clock.sleep(PATIENCE_MS, signal)]),
  };
  return [queueComponent('schedules', queue), cache];
}

/** Experiments by the uid of their schedule. */
const BY_SCHEDULE = 'schedule';

/** Our own writes of the status are no news. */
function concerns({ metadata }: ScheduleObject, previous: ScheduleObject | undefined): boolean {
  const before = previous?.metadata;
  return (
    before?.uid !== metadata.uid ||
    before?.generation !== metadata.generation ||
    before?.deletionTimestamp !== metadata.deletionTimestamp
  );
}

/** The schedule that an experiment names as its owner; the visit finds out whether it is. */
function ownerKeyOf({ metadata }: ExperimentObject): string | undefined {
  if (scheduleUidOf({ metadata }) === undefined) return undefined;
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  return owner === undefined ? undefined : keyOf({ name: owner.name, namespace: metadata.namespace ?? '' });
}

function isNews(object: ExperimentObject, previous: ExperimentObject): boolean {
  const isDeleted = ({ metadata }: ExperimentObject): boolean => metadata.deletionTimestamp !== undefined;
  return stateOf(object) !== stateOf(previous) || isDeleted(object) !== isDeleted(previous);
}
