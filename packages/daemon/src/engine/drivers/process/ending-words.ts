/** Says how a stressor has ended, from what the kernel says of its cgroup and of its container. Pure. */
import { countOf } from '@chaosplane/common';

/** What is known of the end of a stressor. */
export interface StressorEnd {
  /** How its first process ended, `SIGKILL` or `exit code 0`; or its container ended before it. */
  readonly end: { readonly how: string } | 'container';
  /** How many processes of the cgroup the kernel has killed since it was started because memory ran out. */
  readonly oomKills: number;
  /** Whether the kernel kills all processes of the cgroup when memory runs out, not one of them. */
  readonly oomKillsAll: boolean;
  /** Whether the container, or the node, is still there. */
  readonly there: boolean;
  /** The container's name; absent for the node. */
  readonly container: string | undefined;
}

/**
 * Words that follow "until". What a runtime says is not asked: containerd and CRI-O mark a container as OOMKilled that runs on
 * after the stressor in its cgroup was killed. The kernel's counter says that a process was killed, and which one is dead says which.
 */
export function endingWords({ end, oomKills, oomKillsAll, there, container }: StressorEnd): string {
  const name = `container ${container ?? ''}`;
  if (oomKills > 0 && wasKilled(end)) {
    const kills = `${countOf(oomKills, 'OOM kill')} in its cgroup`;
    // Of two that are killed together, either may be seen to be dead first.
    const together = !there && (end !== 'container' || oomKillsAll);
    if (end === 'container' && !together) return `memory ran out and the kernel killed ${name} (${kills})`;
    if (together) return `memory ran out and the kernel killed the stressor and ${name} (${kills})`;
    const spared = container === undefined ? '' : `; ${name} runs on`;
    return `memory ran out and the kernel killed the stressor (${kills})${spared}`;
  }
  if (end === 'container') return 'its container ended';
  if (!there) return `the stressor (${end.how}) and ${name} ended together`;
  return `the stressor was ended by others (${end.how})`;
}

/** Whether that is how it ends when the kernel kills it, or its workers: then stress-ng says that it has succeeded. */
export function wasKilled(end: StressorEnd['end']): boolean {
  return end === 'container' || end.how === 'SIGKILL' || end.how.startsWith('exit code');
}
