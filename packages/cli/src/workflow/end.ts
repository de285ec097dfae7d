/** The exit code that a workflow's end means. Pure. */
import { isFinal, type ExperimentStatus, type WorkflowState } from '@chaosplane/api';
import { exitCodeOf, exitCodes, worstOf } from '../output/verdict.ts';

/**
 * The worst of its experiments; one that has failed or was aborted was not run as it was meant.
 * @param experiments How the last experiment of each step has ended.
 */
export function exitCodeOfWorkflow(
  { phase }: Pick<WorkflowState, 'phase'>,
  experiments: Iterable<ExperimentStatus>,
): number {
  const codes = [...experiments].filter(isFinal).map((status) => exitCodeOf(status));
  const own = { Completed: exitCodes.held, Failed: exitCodes.couldNotRun, Aborted: exitCodes.inconclusive };
  return worstOf([...codes, own[phase === 'Completed' || phase === 'Aborted' ? phase : 'Failed']]);
}
