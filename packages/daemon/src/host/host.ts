/** What the daemon may do to its node, as one interface: the real one is beside this file, a fake one is in the testkit. */
import type { ProxyCounts, TimedRule } from '../proxy/rule.ts';

/** One network interface of a namespace. */
export interface NetworkInterface {
  readonly name: string;
  /** Its number in the namespace. */
  readonly index: number;
  /** In bytes. */
  readonly mtu: number;
  /** Addresses without prefix length. */
  readonly addresses: readonly string[];
  /** Transmit queue length in packets. */
  readonly txQueueLength: number;
}

/** One queueing discipline, as the kernel reports it. */
export interface Qdisc {
  readonly device: string;
  /** For example htb, netem, noqueue. */
  readonly kind: string;
  /** For example `c4a0:`; `0:` for a default one. */
  readonly handle: string;
  /** `root`, or the class it hangs under, for example `c4a0:1`. */
  readonly parent: string;
  readonly packets: number;
  readonly bytes: number;
  readonly drops: number;
}

/** What the queue engine does with packets that carry the bits of `mask`. */
export interface QueuePolicy {
  /** The bits of the mark that are ours. */
  readonly mask: number;
  readonly layers: readonly QueueLayer[];
}

/** What happens to packets that carry one bit; the delays of a packet's bits add up. */
export interface QueueLayer {
  /** One bit within the mask, in place: 0x10000. */
  readonly bit: number;
  readonly latencyMs: number;
  readonly jitterMs: number;
  readonly correlationPercent: number;
  /** Each of them gets a wrong bit. */
  readonly corrupts: boolean;
}

/** What the queue engine has done so far in one namespace. */
export interface QueueStatistics {
  /** Packets that it took in, by bit. */
  readonly handled: ReadonlyMap<number, number>;
}

/** An open network namespace. Opening pins it: close it when nothing of ours is active there. */
export interface Netns {
  readonly path: string;
  /**
   * SO_NETNS_COOKIE in decimal: unique for the life of the machine, where an inode is reused at once.
   * On kernels before 5.14: `inode:` and the inode.
   */
  readonly cookie: string;
  /**
   * Runs nft commands, one a line, as one transaction: all of them or none. Takes no process.
   * Returns what `list` commands print.
   * @throws NftError with the kernel's words.
   */
  nft(commands: readonly string[]): string;
  /**
   * Runs tc commands as one batch: one process for all of them. Stops at the first that fails.
   * @throws CommandError with the number of the line that failed.
   */
  tc(commands: readonly string[]): Promise<void>;
  /** Every qdisc of the namespace, with its statistics. One process. */
  qdiscs(): Promise<readonly Qdisc[]>;
  interfaces(): readonly NetworkInterface[];
  setTxQueueLength(device: string, packets: number): void;
  /** Makes an IFB device without addresses, up. */
  addIfb(name: string): void;
  /** Removes a device with everything on it. One that is not there is a success. */
  removeLink(name: string): Promise<void>;
  /**
   * Creates the table that hands marked packets to `queue`, those that leave and those that come in, and lets them pass when
   * nobody listens there.
   */
  addQueueTable(table: string, mask: number, queue: number): void;
  /** Starts to serve `queue`, or changes what is done to its packets. */
  serveQueue(queue: number, policy: QueuePolicy): Promise<void>;
  /** Stops serving; packets that wait are let go at once. Harmless when nothing is served. */
  stopQueue(): Promise<void>;
  queueStatistics(): Promise<QueueStatistics>;
  /**
   * Makes these HTTP and DNS rules be in force here, and no others. They end with the daemon, however it ends; when they are
   * renewed, this is called again. What is open stays open, also after the last rule.
   */
  serveProxies(rules: readonly TimedRule[]): Promise<void>;
  /** What was counted for a rule that is in force. */
  proxyCounts(id: string): ProxyCounts | undefined;
  /** How many connections and queries pass through proxies now. */
  proxiedNow(): number;
  /** Ends the proxies of this namespace at once; for one whose pod is gone. */
  endProxies(): Promise<void>;
  /** Removes what proxies of a daemon that was killed have left: a rule and a route without effect. True when there was any. */
  removeProxyTraces(): boolean;
  /** Rules of others that may redirect connections to that port, for people to read. */
  foreignRedirects(protocol: 'tcp' | 'udp', port: number): readonly string[];
  /** Releases the namespace. Idempotent. */
  close(): Promise<void>;
}

/** Which DNS servers a pod asks, and how it completes names. */
export interface DnsView {
  /** Addresses, in the order in which they are asked. */
  readonly servers: readonly string[];
  /** Tried behind a name, in lower case, without a dot at the end. */
  readonly searches: readonly string[];
  /** A name with fewer dots is tried with the search domains first; see resolv.conf(5). */
  readonly ndots: number;
}

/** What a name means. */
export interface ResolvedName {
  /** IPv4 and IPv6; at least one. */
  readonly addresses: readonly string[];
  /** How long that may be believed, in milliseconds. */
  readonly ttlMs: number;
}

/** A pod sandbox, as the container runtime reports it. */
export interface Sandbox {
  readonly id: string;
  readonly podName: string;
  readonly podNamespace: string;
  readonly podUid: string;
  readonly ready: boolean;
  /** Nanoseconds since the epoch. */
  readonly createdAt: bigint;
  readonly labels: Readonly<Record<string, string>>;
  /** For example kata; empty for the default runtime. */
  readonly runtimeHandler: string;
}

/** What is known of one sandbox when it is looked at closely. */
export interface SandboxDetail extends Sandbox {
  readonly hostNetwork: boolean;
  /** The pod's addresses. */
  readonly ips: readonly string[];
  /** Where its network namespace can be opened; absent when it has none of its own. */
  readonly netnsPath?: string;
  /** Absent when the runtime does not tell. */
  readonly dns?: DnsView;
}

/** A container, as the container runtime reports it. */
export interface Container {
  readonly id: string;
  readonly sandboxId: string;
  readonly name: string;
  readonly state: 'created' | 'running' | 'exited' | 'unknown';
}

/** What is known of one container when it is looked at closely. */
export interface ContainerDetail extends Container {
  /** Of its first process, as this daemon sees it; absent when it does not run. */
  readonly pid?: number;
  /** Milliseconds since the epoch; absent while it has not exited. */
  readonly finishedAt?: number;
  /** Absent while it has not exited. */
  readonly exitCode?: number;
}

/** What a command in a container came to. */
export interface ExecResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The part of the container runtime (CRI) that the daemon needs. Every call has a deadline of its own. */
export interface ContainerRuntime {
  /** For example `containerd 1.6.20`. */
  version(signal?: AbortSignal): Promise<string>;
  sandboxes(signal?: AbortSignal): Promise<readonly Sandbox[]>;
  /** Absent when the runtime does not know the sandbox. */
  sandbox(id: string, signal?: AbortSignal): Promise<SandboxDetail | undefined>;
  containers(sandboxId: string, signal?: AbortSignal): Promise<readonly Container[]>;
  /** Absent when the runtime does not know the container. */
  container(id: string, signal?: AbortSignal): Promise<ContainerDetail | undefined>;
  /**
   * Runs a command in a container, in the container's own confinement.
   * @throws ChaosError when it cannot be started there, or takes longer than 10 s.
   */
  exec(containerId: string, argv: readonly string[], signal?: AbortSignal): Promise<ExecResult>;
  close(): void;
}

/** One thing that faults need from a node. */
export interface HostCapability {
  readonly name: CapabilityName;
  readonly available: boolean;
  /** What was found. */
  readonly detail: string;
  /** When not available: what to install or load. */
  readonly remedy: string;
}

/** The closed list of what a node may or may not have. */
export type CapabilityName =
  | 'root'
  | 'nftables'
  | 'netdev-egress'
  | 'netns-cookie'
  | 'tc'
  | 'sch-htb'
  | 'sch-tbf'
  | 'sch-netem'
  | 'ifb'
  | 'nfqueue'
  | 'container-runtime'
  | 'stress-ng'
  | 'cgroup-v1'
  | 'cgroup-v2';

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

/** The node. */
export interface Host {
  readonly nodeName: string;
  /** /proc/sys/kernel/random/boot_id: another one means that the kernel started again. */
  readonly bootId: string;
  readonly kernelRelease: string;
  /** Cookies of the namespaces that are the node's own: no fault may ever be in them. */
  readonly ownNetnsCookies: readonly string[];
  /** All the memory of the node. */
  readonly memoryBytes: number;
  readonly runtime: ContainerRuntime;
  readonly processes: Processes;
  readonly cgroups: Cgroups;
  readonly stressors: Stressors;
  /**
   * Opens the folder `path` of a container and makes one of ours in it, or opens that one when it is there.
   * @throws ChaosError FAILED_PRECONDITION when there is no such folder, or nothing can be made in it.
   */
  makeFolder(container: ProcessRef, path: string, name: string): ContainerFolder;
  /** The score by which the kernel chooses its victim when memory runs out; see proc_pid_oom_score_adj(5). */
  oomScoreAdjOf(process: ProcessRef): number;
  /**
   * Restarts the node: asks its systemd where it has one, else writes everything to disk and restarts the kernel, or just the
   * first process when the node is a PID namespace. Refused unless the host was made for it.
   * @throws ChaosError FAILED_PRECONDITION when that is not allowed here.
   */
  restartNode(): void;
  /** Looks at the node once and remembers: tries every capability for real, in namespaces of its own. */
  capabilities(): Promise<readonly HostCapability[]>;
  /** @throws ChaosError NOT_FOUND when nothing is mounted there any more. */
  openNetns(path: string): Netns;
  /**
   * Looks a host name up from inside a pod's network. Without a view: as the daemon's own resolv.conf says, which is what
   * runtimes give pods that have none of their own.
   * @throws ChaosError FAILED_PRECONDITION when the name has no address, or nobody answers.
   */
  lookUp(netnsPath: string, name: string, view: DnsView | undefined, signal: AbortSignal): Promise<ResolvedName>;
  close(): Promise<void>;
}
