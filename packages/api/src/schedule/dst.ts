/** What happens to a schedule when clocks are changed. */

/**
 * `shift`: a time that does not exist runs at the end of the gap, one that comes twice runs once. `skip`: a time that does not exist
 * has no run, one that comes twice has one. `kubernetes`: as a CronJob, a run each time that a clock shows it, so none, or two.
 */
export const dstRules = ['shift', 'skip', 'kubernetes'] as const;

/** One of them. */
export type DstRule = (typeof dstRules)[number];
