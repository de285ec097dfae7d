/** What the daemon may do to its node, as one interface: the real one is beside this file, a fake one is in the testkit. */
import type { ContainerRuntime } from './containers.ts';
import type { DnsView, Netns, ResolvedName } from './network.ts';
import type { Cgroups, ContainerFolder, Processes, ProcessRef, Stressors } from './processes.ts';

export type * from './containers.ts';
export type * from './network.ts';
export type * from './processes.ts';

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
  | 'nft-queue'
  | 'tun'
  | 'ifb'
  | 'nfqueue'
  | 'container-runtime'
  | 'stress-ng'
  | 'cgroup-v1'
  | 'cgroup-v2';

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
  /** How much of it can be had now without swapping, in bytes (MemAvailable of proc_meminfo(5)). */
  memoryFreeBytes(): number;
  readonly runtime: ContainerRuntime;
  readonly processes: Processes;
  readonly cgroups: Cgroups;
  readonly stressors: Stressors;
  /**
   * Opens the folder `path` of a container and makes one of ChaosPlane's in it, or opens that one when it is there.
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
   * From which of its addresses the node itself connects to these, as its routes are now: the address of a bridge for the pods
   * behind it, for example, and not the one that the node has in its cluster. What cannot be reached is left out.
   */
  sourcesTowards(addresses: readonly string[]): readonly string[];
  /**
   * Looks a host name up from inside a pod's network. Without a view: as the daemon's own resolv.conf says, which is what
   * runtimes give pods that have none of their own.
   * @throws ChaosError FAILED_PRECONDITION when the name has no address, or no resolver answers.
   */
  lookUp(netnsPath: string, name: string, view: DnsView | undefined, signal: AbortSignal): Promise<ResolvedName>;
  close(): Promise<void>;
}
