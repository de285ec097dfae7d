/** The vocabulary of network faults: a layer says which packets of a namespace are hit, and what happens to them. */
import type { Cidr, PortRange } from '@chaosplane/common';

/** Which way packets travel, seen from the pod, as in iptables: egress leaves it, ingress enters it. */
export type Direction = 'egress' | 'ingress';

/** Connections of the kubelet's probes, which a layer leaves alone. */
export interface Spared {
  /** The node's addresses. */
  readonly addresses: readonly Cidr[];
  /** The ports of the pod that are probed. */
  readonly ports: readonly number[];
}

/** A peer on some of its ports only, or by one protocol only: at least one of the two is said. */
export interface PortPeer {
  readonly cidr: Cidr;
  /** Of the peer's end, not the pod's. Empty: every port. */
  readonly ports: readonly PortRange[];
  /** Absent: tcp and udp. */
  readonly protocol?: 'tcp' | 'udp';
}

/** A peer by name. */
export interface HostPeer {
  readonly name: string;
  readonly addresses: readonly Cidr[];
}

/** Which packets a layer is about. A packet must satisfy every part. */
export interface Scope {
  readonly directions: readonly Direction[];
  /** The other end's address. Empty, and no other peers either: any peer. */
  readonly peers: readonly Cidr[];
  /** More peers, with ports or protocols of their own. Absent: none. */
  readonly portPeers?: readonly PortPeer[];
  /** More peers, known by name: with the addresses that the names have now. Absent: none. */
  readonly hosts?: readonly HostPeer[];
  /** Source or destination port. Empty: every port. */
  readonly ports: readonly PortRange[];
  /** Absent: every protocol. */
  readonly protocol?: 'tcp' | 'udp' | 'icmp';
  /** The pod's network interfaces that packets pass, for example eth0; at least one. */
  readonly interfaces: readonly string[];
  /** Absent: nothing is spared. */
  readonly spared?: Spared;
}

/** How a partition tells senders: TCP by a reset and all else by an ICMP error, or everything by an ICMP error. */
export type Refusal = 'reset' | 'unreachable';

/** What happens to the packets of a scope. */
export type Effect =
  | {
      readonly kind: 'delay';
      /** Milliseconds, may be fractional. */
      readonly latencyMs: number;
      /** ± milliseconds around the latency, uniformly. */
      readonly jitterMs: number;
      /** How much one packet's jitter depends on the one before, in percent. */
      readonly correlationPercent: number;
    }
  | ({ readonly kind: 'loss' | 'duplicate' | 'corrupt' } & Chance)
  | {
      readonly kind: 'partition';
      /** Silent: packets vanish. Reset and unreachable: the sender is told. */
      readonly how: Refusal | 'silent';
    }
  | {
      readonly kind: 'bandwidth';
      /** Bits a second. */
      readonly rateBits: number;
      /** Bytes that may pass at once. */
      readonly burstBytes: number;
      /** Milliseconds that a packet waits for its turn at most. */
      readonly latencyMs: number;
    };

/** How packets are chosen. */
export interface Chance {
  /** Above 0, up to 100. */
  readonly percent: number;
  /** How much the choice of a packet depends on the packet before it, in percent. */
  readonly correlationPercent: number;
}

/** One network fault of one namespace. */
export interface Layer {
  /** A name of [a-z0-9_], unique in the namespace; it names the layer's counters, sets and chains. */
  readonly id: string;
  readonly scope: Scope;
  readonly effect: Effect;
}
