/** The container runtime (CRI), as the rest of the daemon may use it. */
import type { DnsView } from './network.ts';

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
  /** What carries the sandbox out, whichever handler is named: `io.containerd.runsc.v1`. Absent when the runtime does not tell. */
  readonly runtimeType?: string;
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
  /** Those of the pods of that name, and perhaps others: on a node with many pods it is much less than all of them. */
  sandboxesOf(pod: Pick<Sandbox, 'podNamespace' | 'podName'>): Promise<readonly Sandbox[]>;
  /** Absent when the runtime does not know the sandbox. */
  sandbox(id: string, signal?: AbortSignal): Promise<SandboxDetail | undefined>;
  /** The same of one that has just been listed; what never changes of it is asked for once. */
  describe(listed: Sandbox): Promise<SandboxDetail | undefined>;
  containers(sandboxId: string, signal?: AbortSignal): Promise<readonly Container[]>;
  /** Absent when the runtime does not know the container. */
  container(id: string, signal?: AbortSignal): Promise<ContainerDetail | undefined>;
  /**
   * Runs a command in a container, in the container's own confinement. Every runtime answers the same:
   * @throws ChaosError FAILED_PRECONDITION when the container has no such program or it prints more than 4 MiB, of which nothing
   * is told then; DEADLINE_EXCEEDED when it takes longer than 10 s.
   */
  exec(containerId: string, argv: readonly string[], signal?: AbortSignal): Promise<ExecResult>;
  close(): void;
}
