/** What a fault is to the engine: pure functions from a parsed spec to a description of the effect. */
import type { DaemonSpecs } from '@chaosplane/actions';
import type { Cidr } from '@chaosplane/common';
import type { LayerCounts } from '../netns/counts.ts';
import type { HostPeer, Layer, PortPeer, Spared } from '../netns/layer.ts';
import type { DnsView } from '../host/host.ts';
import type { ProxyCounts, ProxyRule } from '../proxy/rule.ts';

/** What a network fault gets beside its spec. */
export interface LayerContext {
  /** The layer's name in its namespace. */
  readonly id: string;
  /** Peers from the request's options, beside those of the spec. */
  readonly peers: readonly Cidr[];
  /** Those of them with ports or protocols of their own; absent when there are none. */
  readonly portPeers?: readonly PortPeer[];
  /** The peers that the spec names, with their addresses; absent when it names none. */
  readonly hosts?: readonly HostPeer[];
  /** The pod's probes; absent when none were sent. */
  readonly probes?: Spared;
}

/** What was measured, as a fault reads it. */
export interface Measured {
  readonly verdict: 'verified' | 'no-traffic' | 'not-observed';
  /** One sentence for people. */
  readonly summary: string;
  readonly counters: Readonly<Record<string, number>>;
}

/** A fault that is a layer of a network namespace. */
export interface NetworkFault<Spec> {
  readonly shape: 'network';
  layer(spec: Spec, context: LayerContext): Layer;
  evidence(layer: Layer, counts: LayerCounts): Measured;
}

/** What an HTTP or DNS fault gets beside its spec. */
export interface RuleContext {
  /** The rule's name in its namespace. */
  readonly id: string;
  /** The pod's probes; absent when none were sent. */
  readonly probes?: Spared;
  /** Whom the pod asks for names; absent when that is not known. */
  readonly dns?: DnsView;
}

/** A fault that a proxy inside a network namespace carries out. Pure. */
export interface ProxyFault<Spec> {
  readonly shape: 'proxy';
  /** @throws ChaosError FAILED_PRECONDITION when the pod does not have what the spec is about. */
  rule(spec: Spec, context: RuleContext): ProxyRule;
  evidence(rule: ProxyRule, counts: ProxyCounts): Measured;
}

/** Every shape of fault. */
export type Fault<Spec> = NetworkFault<Spec> | ProxyFault<Spec>;

/** One fault for each action that a daemon carries out, by the action's name. */
export type Faults = { readonly [Name in keyof DaemonSpecs]: Fault<DaemonSpecs[Name]> };
