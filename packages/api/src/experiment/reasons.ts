/** What the conditions of an experiment say something about, and why. */

/** The reasons, by type of condition. */
export const experimentReasons = {
  Selected: ['TargetsChosen', 'NoTarget', 'InvalidSpec', 'TooManyExperiments'],
  SteadyState: ['ProbesPassed', 'ProbeFailed', 'ProbeError'],
  Injected: ['AllInjected', 'TargetsMissed'],
  EffectObserved: ['Verified', 'NotObserved', 'NoTraffic'],
  Recovered: ['NothingLeft', 'LeftToTTL'],
  Stuck: ['RecoveryTakesLong'],
} as const;

/** What a condition of an experiment says something about. */
export type ExperimentConditionType = keyof typeof experimentReasons;
