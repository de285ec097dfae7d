/** A network namespace of the node, as the rest of the daemon may use it. */
import type { ProxyCounts, TimedRule } from '../../proxy/rule.ts';

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
  /** Every qdisc of the namespace, with its statistics. Takes no process. */
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
