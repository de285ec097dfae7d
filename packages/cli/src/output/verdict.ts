/** The exit code that an experiment's end means. Pure. */
import type { ExperimentStatus } from '@chaosplane/api';

/** Exit codes of every command: it held or nothing was asked, it did not hold, it could not be run, it cannot be said. */
export const exitCodes = { held: 0, notHeld: 1, couldNotRun: 2, inconclusive: 3 } as const;

/** Also that of a dry run, which has no verdict: 0 when every target could be hit. */
export function exitCodeOf({ phase, verdict, conditions }: ExperimentStatus): number {
  if (verdict === 'Held') return exitCodes.held;
  if (verdict === 'NotHeld') return exitCodes.notHeld;
  if (verdict === undefined) return phase === 'Completed' ? exitCodes.held : exitCodes.couldNotRun;
  switch (conditions.find(({ type }) => type === 'HypothesisHeld')?.reason) {
    case 'NoHypothesis':
      return exitCodes.held;
    case 'NotRun':
      return exitCodes.couldNotRun;
    default:
      return exitCodes.inconclusive;
  }
}

/** Of several experiments: a hypothesis that did not hold tells most, and one that held least. */
export function worstOf(codes: readonly number[]): number {
  const order: readonly number[] = [exitCodes.notHeld, exitCodes.couldNotRun, exitCodes.inconclusive];
  return order.find((code) => codes.includes(code)) ?? exitCodes.held;
}
