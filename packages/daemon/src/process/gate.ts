/** What the daemon and the gate agree on. */

/** What the gate is to do before it becomes the stressor. */
export interface GateOrder {
  /** The process that must still be its parent once the parent-death signal is armed. */
  readonly parent: number;
  /** Folders of the cgroups to join. */
  readonly cgroup: readonly string[];
  readonly oomScoreAdj: number;
  /** Descriptors that the stressor keeps. */
  readonly kept: readonly number[];
}

/** How a process of a stressor is known when its leader is dead: an environment variable that names the leader. */
export function markOf(leader: number): string {
  return `CHAOSPLANE_STRESSOR=${leader}`;
}
