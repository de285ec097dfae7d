/** Which runs of a schedule are under way, and which of the others are kept. Pure. */
import type { ScheduleSpec } from '@chaosplane/api';
import type { ChildRun } from './observation.ts';

/** Whether something of it may be in force. */
export const isActive = ({ state }: ChildRun): boolean => state === 'running' || state === 'ending';

/** The oldest that have ended, beyond what is kept. */
export function excessOf(
  children: readonly ChildRun[],
  { successfulHistoryLimit, failedHistoryLimit }: ScheduleSpec,
): ChildRun[] {
  const beyond = (state: ChildRun['state'], limit: number): ChildRun[] =>
    children
      .filter((child) => child.state === state)
      .toSorted((one, other) => other.scheduledFor - one.scheduledFor)
      .slice(limit);
  return [...beyond('succeeded', successfulHistoryLimit), ...beyond('failed', failedHistoryLimit)].filter(
    ({ isDeleted }) => !isDeleted,
  );
}
