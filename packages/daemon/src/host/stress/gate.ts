/** What the daemon and the gate agree on. */
import type { NodeUser } from '../../contract/processes.ts';

/** What the gate is to do before it becomes the stressor. */
export interface GateOrder {
  /** The process that must still be its parent once the parent-death signal is armed. */
  readonly parent: number;
  /** Folders of the cgroups to join. */
  readonly cgroup: readonly string[];
  readonly oomScoreAdj: number;
  /** Descriptors that the stressor keeps. */
  readonly kept: readonly number[];
  /** The user that the stressor runs as; absent: the daemon's. */
  readonly owner?: NodeUser;
}

const STRESSOR = 'CHAOSPLANE_STRESSOR';
const SPENT = 'CHAOSPLANE_SPENT_MS';

/** How a process of a stressor is known when its leader is dead: an environment variable that names the leader. */
export function markOf(leader: number): Record<string, string> {
  return { [STRESSOR]: String(leader) };
}

/** Whether an environment, as `NAME=value`, is that of a process of this leader. */
export function isMarked(environment: readonly string[], leader: number): boolean {
  return environment.includes(`${STRESSOR}=${leader}`);
}

/** An environment variable that says how much CPU time the gate had used when it joined the cgroup, in milliseconds. */
export function spentMark(ms: number): Record<string, string> {
  return { [SPENT]: String(Math.round(ms)) };
}

/** What `spentMark` says in an environment; 0 when it does not. */
export function spentIn(environment: readonly string[]): number {
  return Number(environment.find((each) => each.startsWith(`${SPENT}=`))?.slice(SPENT.length + 1) ?? 0);
}
