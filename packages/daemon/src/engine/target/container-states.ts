/** Refuses containers that cannot be hit for the state that they are in, and names that state. */
import { ChaosError, formatDuration, systemClock } from '@chaosplane/common';
import type { Container, ContainerDetail, Host, ProcessRef, SandboxDetail } from '../../contract/host.ts';
import { podName } from './name.ts';

/** Which of the pod's containers were meant. */
interface MeantContainers {
  readonly containerName?: string | undefined;
  readonly id?: string | undefined;
}

/** The error that says of each container that was meant why it does not run. `known`: all of the pod, also those of before. */
export async function noneRuns(
  { runtime }: Pick<Host, 'runtime'>,
  sandbox: SandboxDetail,
  known: readonly Container[],
  { containerName, id }: MeantContainers,
): Promise<ChaosError> {
  const name = podName(sandbox);
  const meant = known
    .filter((each) => containerName === undefined || each.name === containerName)
    .filter((each) => id === undefined || each.id === id);
  const details = await Promise.all(
    meant.map(async (each): Promise<ContainerDetail> => (await runtime.container(each.id)) ?? each),
  );
  const states = [...Map.groupBy(details, (each) => each.name)].map(([each, attempts]) => stateOf(each, attempts));
  const words =
    states.length === 0 ? `${name} has no container yet, only its sandbox` : `in ${name}, ${states.join(', ')}`;
  return new ChaosError('FAILED_PRECONDITION', `no container that was meant runs: ${words}; try again when it does`);
}

/** What the newest attempt of a container is at; those of before are listed as well, until the kubelet removes them. */
function stateOf(name: string, attempts: readonly ContainerDetail[]): string {
  const endOf = ({ finishedAt = 0 }: ContainerDetail): number => finishedAt;
  const [newest] = attempts.toSorted(
    (a, b) => Number(a.state === 'exited') - Number(b.state === 'exited') || endOf(b) - endOf(a),
  );
  if (newest === undefined) return `${name} is gone`;
  if (newest.state === 'created') return `${name} was created and has not started`;
  if (newest.state !== 'exited') return `${name} is in the state ${newest.state}`;
  const { exitCode, finishedAt } = newest;
  const code = exitCode === undefined ? '' : ` with exit code ${exitCode}`;
  const seconds = finishedAt === undefined ? 0 : Math.max(0, Math.round((systemClock.now() - finishedAt) / 1000));
  const ago = finishedAt === undefined ? '' : ` ${formatDuration(1000 * seconds)} ago`;
  return `${name} has exited${code}${ago} and is not running: it is over, or waits for its restart (CrashLoopBackOff)`;
}

/** @throws ChaosError FAILED_PRECONDITION for a paused container: nothing in its cgroup runs, and neither does a process that joins it. */
export function requireThawed(
  { cgroups }: Pick<Host, 'cgroups'>,
  containers: readonly { readonly name: string; readonly process: ProcessRef }[],
  pod: string,
): void {
  const paused = containers.filter(({ process }) => cgroups.isFrozen(cgroups.of(process))).map(({ name }) => name);
  if (paused.length === 0) return;
  const message = `container ${paused.join(', ')} of ${pod} is paused: its cgroup is frozen`;
  throw new ChaosError('FAILED_PRECONDITION', `${message}; resume it first`);
}
