/** What the conditions of an experiment say something about, and why. */

/** The reasons, by type of condition. */
export const experimentReasons = {
  Selected: ['TargetsChosen', 'NoTarget', 'InvalidSpec', 'TooManyExperiments', 'PolicyDenied'],
  WithinPolicy: ['PolicyDenied', 'PolicyAudit'],
  SteadyState: ['ProbesPassed', 'ProbeFailed', 'ProbeError'],
  Injected: ['AllInjected', 'TargetsMissed'],
  EffectObserved: ['Verified', 'NotObserved', 'NoTraffic', 'NotMeasured'],
  Recovered: ['NothingLeft', 'LeftToTTL'],
  HypothesisHeld: [
    // True
    'SteadyStateKept',
    // False
    'SteadyStateLost',
    'ToleranceExceeded',
    'EffectNotObserved',
    // Unknown
    'NoHypothesis',
    'NoTraffic',
    'EffectNotMeasured',
    'EffectInterrupted',
    'NoValidSample',
    'EndedEarly',
    'Aborted',
    'NotRun',
  ],
  Stuck: ['RecoveryTakesLong'],
  Complete: ['Completed'],
  Failed: ['Failed', 'Aborted'],
} as const;

/** What a condition of an experiment says something about. */
export type ExperimentConditionType = keyof typeof experimentReasons;
