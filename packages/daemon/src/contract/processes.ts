/** Processes, cgroups and stressors of the node, as the rest of the daemon may use them. */

/** A process, told from every later one that gets its number. */
export interface ProcessRef {
  readonly pid: number;
  /** In clock ticks since the node booted, in decimal: field 22 of proc_pid_stat(5). */
  readonly startTime: string;
}

/** A process as a list of them shows it. */
export interface ListedProcess {
  /** As the container numbers it. */
  readonly pid: number;
  readonly uid: number;
  readonly command: string;
}

/** The signals that a fault may send, by the names that people use. */
export type SignalName = 'HUP' | 'INT' | 'QUIT' | 'KILL' | 'USR1' | 'USR2' | 'TERM';

/** The processes of the node. Zombies count as gone. */
export interface Processes {
  /** The process that has that number now. */
  find(pid: number): ProcessRef | undefined;
  isAlive(process: ProcessRef): boolean;
  /** Sends a signal to that very process. False when it is gone. */
  signal(process: ProcessRef, signal: SignalName): boolean;
  /** Everything that a container sees whose first process this is. */
  seenBy(process: ProcessRef): readonly ListedProcess[];
}

/** The folders of one cgroup: one in each hierarchy of cgroup v1, one in the unified one. */
export type Cgroup = readonly string[];

/** What a cgroup accounts for; what its hierarchies do not tell is absent. */
export interface CgroupUsage {
  /** CPU time so far, in milliseconds. */
  readonly cpuMs?: number;
  readonly memoryBytes?: number;
  /** How many of its processes the kernel has killed because memory ran out. */
  readonly oomKills?: number;
}

/** What the limits of a cgroup and of those above it leave, as they are now. */
export interface CgroupRoom {
  /** The lowest limit. Absent: no limit. */
  readonly memoryLimitBytes?: number;
  /** What may be used before the first limit is reached; files that the kernel can drop are free. Absent: no limit. */
  readonly memoryFreeBytes?: number;
  /** When memory runs out, the kernel kills all processes together (`memory.oom.group` of cgroup v2), not one of them. */
  readonly oomKillsAll: boolean;
  /** The limit of processes and threads that is nearest (pids.max), and how many it leaves. Absent: no limit. */
  readonly tasks?: { readonly limit: number; readonly free: number };
}

/** The cgroups of the node. */
export interface Cgroups {
  /** Those that a process is in. @throws ChaosError FAILED_PRECONDITION when they cannot be reached from here. */
  of(process: ProcessRef): Cgroup;
  usage(cgroup: Cgroup): CgroupUsage;
  room(cgroup: Cgroup): CgroupRoom;
  /** Whether its processes are stopped by the freezer: the container is paused. What joins it stops as well. */
  isFrozen(cgroup: Cgroup): boolean;
  /** Makes one of our own beside everything else on the node, or gives the one of that name. */
  create(name: string): Cgroup;
  /** Removes one of our own; one that is not there is fine. */
  remove(name: string): void;
  /** The names of our own in which nothing has run for a minute or more. */
  idle(): readonly string[];
}

/** A user and a group of the node, by their numbers. */
export interface NodeUser {
  readonly uid: number;
  readonly gid: number;
}

/** A folder of ChaosPlane inside a container, which nothing leads out of. */
export interface ContainerFolder {
  readonly fd: number;
  /** Who makes files in it: the root of the container's user namespace, as the node numbers it. Absent: the node's own root. */
  readonly owner?: NodeUser;
  /** Removes the folder with all that is in it. What is gone is fine. */
  remove(): void;
  /** Lets go of it. Idempotent. */
  close(): void;
}

/** What a stressor is started with. */
export interface StressorOrder {
  /** Arguments of stress-ng. */
  readonly args: readonly string[];
  /** Where it runs from its first instruction on. */
  readonly cgroup: Cgroup;
  /** As in proc_pid_oom_score_adj(5). */
  readonly oomScoreAdj: number;
  /** Where it makes its files; absent: it makes none. */
  readonly folder?: ContainerFolder;
  /** How many workers are asked for: each is a child of its first process. */
  readonly workers: number;
  /** It ends by itself after so many milliseconds, should the daemon hang; the daemon itself is to end it. */
  readonly lifeMs: number;
  /** Called once when its first process has ended, for any reason, also when `start` fails. */
  readonly ended?: (how: string) => void;
}

/** What a stressor and its workers did so far. */
export interface StressorUsage {
  /** How many of its processes live. */
  readonly processes: number;
  /** How many of them are workers. */
  readonly workers: number;
  /** CPU time since it joined the cgroup, in milliseconds. */
  readonly cpuMs: number;
  readonly residentBytes: number;
  readonly writtenBytes: number;
}

/** Stressors of this daemon: each a process group of its own, which dies when the daemon dies in any way. */
export interface Stressors {
  /**
   * Starts one and waits until all its workers run.
   * @throws ChaosError FAILED_PRECONDITION with what it said when it ended instead, or how many workers could not be started;
   * nothing of it is left then.
   */
  start(order: StressorOrder): Promise<ProcessRef>;
  usage(stressor: ProcessRef): StressorUsage;
  /** Ends it with all its workers: asked first, killed then. Resolves once none lives. One that is gone is fine. */
  end(stressor: ProcessRef): Promise<void>;
}
