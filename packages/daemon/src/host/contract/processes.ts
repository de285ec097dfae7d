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
  /** Absent: no limit. */
  readonly memoryLimitBytes?: number;
}

/** The cgroups of the node. */
export interface Cgroups {
  /** Those that a process is in. @throws ChaosError FAILED_PRECONDITION when they cannot be reached from here. */
  of(process: ProcessRef): Cgroup;
  usage(cgroup: Cgroup): CgroupUsage;
  /** Makes one of our own beside everything else on the node, or gives the one of that name. */
  create(name: string): Cgroup;
  /** Removes one of our own; one that is not there is fine. */
  remove(name: string): void;
  /** The names of our own in which nothing has run for a minute or more. */
  idle(): readonly string[];
}

/** A folder of ours inside a container, which nothing leads out of. */
export interface ContainerFolder {
  readonly fd: number;
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
  /** It ends by itself after so many milliseconds. */
  readonly lifeMs: number;
}

/** What a stressor and its workers did so far. */
export interface StressorUsage {
  /** How many of its processes live. */
  readonly processes: number;
  readonly cpuMs: number;
  readonly residentBytes: number;
  readonly writtenBytes: number;
}

/** Stressors of this daemon: each a process group of its own, which dies when the daemon dies in whatever way. */
export interface Stressors {
  /**
   * Starts one and waits until its workers run.
   * @throws ChaosError with what it said when it ended instead; nothing of it is left then.
   */
  start(order: StressorOrder): Promise<ProcessRef>;
  usage(stressor: ProcessRef): StressorUsage;
  /** Ends it with all its workers: asked first, killed then. Resolves once none lives. One that is gone is fine. */
  end(stressor: ProcessRef): Promise<void>;
}
