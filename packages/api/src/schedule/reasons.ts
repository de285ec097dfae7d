/** What the conditions of a schedule say something about, and why; in the order in which they stand. */

/** The reasons, by type of condition. */
export const scheduleReasons = {
  Ready: ['Scheduled', 'InvalidSpec'],
  Suspended: ['Suspended', 'NotSuspended'],
} as const;

/** What a condition of a schedule says something about. */
export type ScheduleConditionType = keyof typeof scheduleReasons;
