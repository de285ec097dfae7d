/** What the conditions of a workflow say something about, and why; in the order in which they stand. */

/** The reasons, by type of condition. */
export const workflowReasons = {
  Complete: ['Completed'],
  Failed: ['Failed', 'Aborted', 'InvalidSpec', 'PolicyDenied', 'StepsLost'],
} as const;

/** What a condition of a workflow says something about. */
export type WorkflowConditionType = keyof typeof workflowReasons;
