/** A network namespace of the node, as the rest of the daemon may use it. */
import type { ForeignRedirect } from '../model/foreign-redirect.ts';
import type { OpenConnections, ProxyCounts, ProxyRule, TimedRule } from '../model/proxy-rule.ts';

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
  /** Packets that it could not take to transmit. */
  readonly txDropped: number;
  /** Whether it has been set up. */
  readonly up: boolean;
  /** Whether it has MAC addresses, as virtual Ethernet and VLANs do; a loopback, a tunnel or WireGuard has none. */
  readonly ethernet: boolean;
  /** Its MAC address, `02:42:ac:11:00:02`; absent without one. */
  readonly mac?: string;
  /** What made it: veth, vlan, macvlan. Absent for hardware. */
  readonly kind?: string;
  /** The number of the device of this namespace that it stands on. Absent: none. */
  readonly standsOn?: number;
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
  /** What has left it. Of a packet that is split later (GSO), each part counts. */
  readonly packets: number;
  readonly bytes: number;
  readonly drops: number;
  /** What waits in it. A packet that is split later counts as one. */
  readonly heldPackets: number;
  readonly heldBytes: number;
}

/** What the queue backend does with packets that carry the bits of `mask`. */
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

/**
 * One TAP device of the user-space backend, in which packets wait that leave by `device`. They are handed to it as long as the
 * daemon lives and answers; then they leave by `device` again with `returnPriority`.
 */
export interface TapPolicy extends QueueLayer {
  /** The TAP device. */
  readonly name: string;
  /** By which packets leave. */
  readonly device: string;
  /** A socket of the pod cannot have it by chance: see `tapPriorityOf`. */
  readonly returnPriority: number;
}

/** What went through one TAP device so far. */
export interface TapCounts {
  readonly packets: number;
  readonly bytes: number;
  /** Packets that wait now. */
  readonly held: number;
  readonly heldBytes: number;
  /** Packets that found no room: the namespace held as many bytes as it may, or a queue behind the fault was full. */
  readonly lost: number;
  /** Packets that the kernel did not take back, for any reason: the fault lost them, and did not do to them what was asked for. */
  readonly refused: number;
}

/** What the queue backend has done so far in one namespace. */
export interface QueueStatistics {
  /** Packets that it took in, by bit. */
  readonly handled: ReadonlyMap<number, number>;
}

/** TCP connections that have sent something again, and again no answer has come. */
export interface WaitingConnections {
  readonly count: number;
  /** Until the last of them sends again, in milliseconds from now; 0 when there are none. */
  readonly longestMs: number;
}

/** An open network namespace. Opening pins it: close it when nothing of ChaosPlane is active there. */
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
  /** Every qdisc of the namespace, with its statistics. Takes no process. */
  qdiscs(): Promise<readonly Qdisc[]>;
  interfaces(): readonly NetworkInterface[];
  /** Its TCP connections that wait for their retransmission timer, over IPv4 and IPv6. Takes no process. */
  waitingConnections(): WaitingConnections;
  setTxQueueLength(device: string, packets: number): void;
  /** Makes an IFB device without addresses, up. */
  addIfb(name: string): void;
  /** Removes a device with everything on it. One that is not there is a success. */
  removeLink(name: string): Promise<void>;
  /**
   * Creates the table that passes marked packets to `queue`, those that leave and those that come in, and lets them pass when
   * no process listens there.
   */
  addQueueTable(table: string, mask: number, queue: number): void;
  /** Starts to serve `queue`, or changes what is done to its packets. */
  serveQueue(queue: number, policy: QueuePolicy): Promise<void>;
  /** Stops serving; packets that wait are let go at once. Harmless when nothing is served. */
  stopQueue(): Promise<void>;
  queueStatistics(): Promise<QueueStatistics>;
  /**
   * Makes packets wait in these TAP devices, and in no others: those that are not named any more let theirs go and are removed.
   * `keepHooks`: packets wait in the queue of the namespace, and the kernel would drop them if a hook were taken away.
   */
  serveTaps(taps: readonly TapPolicy[], options: { readonly keepHooks: boolean }): Promise<void>;
  /** By the name of the TAP device. */
  tapStatistics(): Promise<ReadonlyMap<string, TapCounts>>;
  /**
   * Makes these HTTP and DNS rules be in force here, and no others. They end with the daemon, however it ends; when they are
   * renewed, this is called again. What is open stays open, also after the last rule.
   */
  serveProxies(rules: readonly TimedRule[]): Promise<void>;
  /** What was counted for a rule that is in force. */
  proxyCounts(id: string): Omit<ProxyCounts, 'openBefore'> | undefined;
  /**
   * The TCP connections that are open now, that the rule is about, and that pass no proxy: its proxy will leave them alone.
   * None where the kernel does not tell.
   */
  openConnections(rule: ProxyRule): OpenConnections;
  /** How many connections and queries pass through proxies now. */
  proxiedNow(): number;
  /** Ends the proxies of this namespace at once; for one whose pod is gone. */
  endProxies(): Promise<void>;
  /** Removes what proxies of a daemon that was killed have left: a rule and a route without effect. True when there was any. */
  removeProxyTraces(): boolean;
  /** The rule of others that redirects what a rule is about, a mesh sidecar's for example; undefined: there is none. */
  foreignRedirect(rule: ProxyRule): ForeignRedirect | undefined;
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
