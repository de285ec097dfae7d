/**
 * The conditions by which GitOps tools tell how far an object is: those that kstatus reads, and Flux by it.
 * https://github.com/kubernetes-sigs/cli-utils/blob/v0.37.2/pkg/kstatus/status/generic.go Pure.
 */

/** In the order in which they stand: kstatus goes by the first of Stalled and Reconciling that is True, and by Ready when none is. */
export const gitopsConditionTypes = ['Stalled', 'Reconciling', 'Ready'] as const;

/** One of them. */
export interface GitopsCondition {
  readonly type: (typeof gitopsConditionTypes)[number];
  readonly status: 'True' | 'False' | 'Unknown';
  /** For programs. */
  readonly reason: string;
  /** For people. */
  readonly message: string;
}

/** How far an object is, and why. */
export interface GitopsState {
  /**
   * `UnderWay`: the operator has more to do. `Well`: it is what its author wants. `Stalled`: it is not, and the operator does no more
   * about it.
   */
  readonly state: 'UnderWay' | 'Well' | 'Stalled';
  /** In one word, for programs. */
  readonly reason: string;
  /** For people. */
  readonly message: string;
}

/**
 * The conditions of an object, to stand before its others. They are all of them: one that is not among these is deleted, because kstatus
 * takes a Ready that is False for work under way unless Stalled says otherwise.
 */
export function gitopsConditions({ state, ...why }: GitopsState): readonly GitopsCondition[] {
  switch (state) {
    case 'UnderWay':
      return [
        { type: 'Reconciling', status: 'True', ...why },
        { type: 'Ready', status: 'Unknown', ...why },
      ];
    case 'Well':
      return [{ type: 'Ready', status: 'True', ...why }];
    case 'Stalled':
      return [
        { type: 'Stalled', status: 'True', ...why },
        { type: 'Ready', status: 'False', ...why },
      ];
  }
}

/** What has phases, and ends: an experiment, a workflow. */
export interface EndingStatus {
  /** More will happen, unless it is Completed, Failed or Aborted. */
  readonly phase: string;
  /** Held, NotHeld, Inconclusive; absent where no hypothesis was tested, and until it has ended. */
  readonly verdict?: string | undefined;
  /** Why it stands where it does. */
  readonly message?: string | undefined;
}

/** The conditions of what has phases. It ended well when it is Completed, and its hypothesis was not refuted. */
export function gitopsConditionsOfPhase({ phase, verdict, message }: EndingStatus): readonly GitopsCondition[] {
  const standing = [phase, ...(verdict === undefined ? [] : [verdict])].join(', ');
  const told = message === undefined || message === '' ? standing : `${standing}: ${message}`;
  const isCompleted = phase === 'Completed';
  if (!isCompleted && phase !== 'Failed' && phase !== 'Aborted')
    return gitopsConditions({ state: 'UnderWay', reason: phase, message: told });
  const reason = isCompleted ? (verdict ?? phase) : phase;
  return gitopsConditions({
    state: isCompleted && verdict !== 'NotHeld' ? 'Well' : 'Stalled',
    reason,
    message: told,
  });
}
