/** The experiments and workflows that a schedule makes: their names, and what tells for when each was planned. Pure. */
import { hashOf } from '@chaosplane/common/pure';
import { shortName, type KubeObject, type OwnerReference } from '@chaosplane/kube/object';
import { API_VERSION } from '../shared/version.ts';
import type { Timetable } from './cron.ts';

/** For when the run was planned: RFC 3339. */
export const SCHEDULED_FOR_ANNOTATION = 'chaosplane.io/scheduled-for';

/** Leads from an experiment or a workflow to its schedule. */
export const SCHEDULE_UID_LABEL = 'chaosplane.io/schedule-uid';

/** A DNS label: what is made of an experiment's name is a valid one, too. */
const LONGEST_NAME = 63;

const MINUTE_MS = 60_000;
const SECOND_MS = 1000;

/**
 * The name of the run of an instant, as a CronJob names its Jobs: with the minutes since the epoch. Where runs may be closer than
 * that, with the seconds.
 */
export function childName(schedule: string, kind: Timetable['kind'], scheduledFor: number): string {
  const unit = kind === 'every' ? SECOND_MS : MINUTE_MS;
  const suffix = `-${Math.floor(scheduledFor / unit)}`;
  const room = LONGEST_NAME - suffix.length;
  if (schedule.length <= room) return schedule + suffix;
  const told = `-${hashOf(schedule).toString(16).padStart(8, '0')}`;
  return shortName(schedule, room - told.length) + told + suffix;
}

/** What makes a schedule the owner of an experiment or a workflow. */
export function scheduleOwner({ metadata }: Pick<KubeObject, 'metadata'>): OwnerReference {
  const { name, uid = '' } = metadata;
  return { apiVersion: API_VERSION, kind: 'ChaosSchedule', name, uid, controller: true, blockOwnerDeletion: true };
}

/** The uid of the schedule that controls an object. */
export function scheduleUidOf({ metadata }: Pick<KubeObject, 'metadata'>): string | undefined {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  return owner?.kind === 'ChaosSchedule' && owner.apiVersion === API_VERSION ? owner.uid : undefined;
}

/** For when a run was planned, in milliseconds; undefined where its name does not say the same: a user may write annotations. */
export function scheduledForOf({ metadata }: Pick<KubeObject, 'metadata'>): number | undefined {
  const at = Date.parse(metadata.annotations?.[SCHEDULED_FOR_ANNOTATION] ?? '');
  if (Number.isNaN(at)) return undefined;
  const suffixes = [MINUTE_MS, SECOND_MS].map((unit) => `-${Math.floor(at / unit)}`);
  return suffixes.some((suffix) => metadata.name.endsWith(suffix)) ? at : undefined;
}
