/** The exit code that an experiment's end means. Pure. */
import type { ExperimentStatus } from '@chaosplane/api';

/** Exit codes of every command: it held, it did not, it could not be run. */
export const exitCodes = { held: 0, notHeld: 1, couldNotRun: 2 } as const;

/** An effect that was looked for and not seen leaves nothing that could have held. */
export function exitCodeOf(status: ExperimentStatus): number {
  const condition = (wanted: string): string | undefined =>
    status.conditions.find(({ type }) => type === wanted)?.status;
  if (condition('Selected') === 'False') return exitCodes.couldNotRun;
  if (status.targets.length > 0 && status.targets.every(({ state }) => state === 'Missed'))
    return exitCodes.couldNotRun;
  return status.phase === 'Completed' && condition('EffectObserved') !== 'False' ? exitCodes.held : exitCodes.notHeld;
}
