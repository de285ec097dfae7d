/** What a fault is to the engine: pure functions from a parsed spec to a description of the effect. */
import type { DaemonSpecs } from '@chaosplane/actions';
import type { Cidr, Clock, Logger } from '@chaosplane/common';
import type { PlanStep } from '../model/plan-step.ts';
import type { CapabilityName, DnsView, Host } from '../contract/host.ts';
import type { RecordOf } from '../journal/record.ts';
import type { LayerCounts } from '../netns/counters.ts';
import type { HostPeer, Layer, PortPeer, Spared } from '../model/layer.ts';
import type { ProxyCounts, ProxyRule } from '../model/proxy-rule.ts';

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
  readonly driver: 'network';
  layer(spec: Spec, context: LayerContext): Layer;
  evidence(layer: Layer, counts: LayerCounts): Measured;
}

/** What an HTTP or DNS fault gets beside its spec. */
export interface RuleContext {
  /** The rule's name in its namespace. */
  readonly id: string;
  /** The pod's probes; absent when none were sent. */
  readonly probes?: Spared;
  /** The resolvers that the pod asks for names; absent when they are not known. */
  readonly dns?: DnsView;
}

/** A fault that a proxy inside a network namespace carries out. Pure. */
export interface ProxyFault<Spec> {
  readonly driver: 'proxy';
  /** @throws ChaosError FAILED_PRECONDITION when the pod does not have what the spec is about. */
  rule(spec: Spec, context: RuleContext): ProxyRule;
  evidence(rule: ProxyRule, counts: ProxyCounts): Measured;
}

/** The target of a process or one-shot fault, as its spec names it. */
export type WantedTarget =
  | {
      readonly on: 'pod';
      readonly podNamespace: string;
      readonly podName: string;
      readonly containerName?: string;
      /** What no container name means: every container, or the only one that there is. */
      readonly unnamed: 'all' | 'only';
      /** It is done to the process or the files of the container, which have to be in this kernel. */
      readonly inside?: true;
    }
  /** As Kubernetes prints it, `containerd://…`. */
  | { readonly on: 'container'; readonly containerId: string }
  | { readonly on: 'node' };

/** What is known of a place before a stressor is started there. */
export interface StressFacts {
  readonly place: 'container' | 'node';
  /** The lowest of the limits that hold for the container; for the node, all the memory that it has. Absent: no limit. */
  readonly memoryLimitBytes?: number;
  /** How much of that is free at this moment. Absent: no limit. */
  readonly memoryFreeBytes?: number;
  /** Of the node, regardless of the place. */
  readonly nodeMemoryBytes: number;
  readonly nodeFreeBytes: number;
  /** When memory runs out, the kernel kills the application together with the stressor. */
  readonly oomKillsAll: boolean;
}

/** What a stressor is told. */
export interface Stress {
  /** Arguments of stress-ng, but for how long and where. */
  readonly args: readonly string[];
  /** How many of its processes do the work. */
  readonly workers: number;
  /** How many processes it has with them: as many more must be allowed to run where it runs. */
  readonly processes: number;
  /** How readily the kernel kills it when memory runs out; absent: like the container's own processes. */
  readonly oomScoreAdj?: number;
  /** The folder of the container where it makes files; absent: it makes none. */
  readonly path?: string;
  /** How much memory it is to keep, in bytes. */
  readonly residentBytes?: number;
  /** What a reader of the plan and of the evidence has to know. */
  readonly notes?: readonly string[];
}

/** What a stressor was asked for, as the journal remembers it. */
export type Stressing = Pick<Stress, 'residentBytes'> & Partial<Pick<Stress, 'workers'>>;

/**
 * What was measured of a stressor, and of the cgroup that it runs in since before it was started. When it has ended: what was
 * measured last, while it lived.
 */
export interface StressMeasure {
  readonly processes: number;
  readonly workers: number;
  /** Never more than what the cgroup used. */
  readonly cpuMs: number;
  readonly residentBytes: number;
  readonly writtenBytes: number;
  /** Absent where the kernel does not account for it. May be negative for memory: others gave some back. */
  readonly cgroupCpuMs?: number;
  readonly cgroupMemoryBytes?: number;
  /** How many processes of the cgroup the kernel has killed since because memory ran out. */
  readonly oomKills?: number;
  /** How it has ended, in words that follow "until". Absent: it runs. */
  readonly ended?: string;
  /** It has ended, and what it was to wear out is still there. */
  readonly endedEarly: boolean;
}

/** A fault that is a process which wears a container or the node out. Pure. */
export interface ProcessFault<Spec> {
  readonly driver: 'process';
  target(spec: Spec): WantedTarget;
  /** @throws ChaosError FAILED_PRECONDITION when the place does not have what the spec is about. */
  stress(spec: Spec, facts: StressFacts): Stress;
  evidence(stress: Stressing, measure: StressMeasure): Measured;
}

/** The target of a process or one-shot fault, as this node knows it. */
export type ResolvedTarget = RecordOf<'one-shot'>['target'];

/** All that a one-shot fault may use. */
export interface OneShotTools {
  readonly host: Host;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What the administrator of the node allows. */
export interface NodeSettings {
  readonly allowNodeRestart: boolean;
}

/** A fault that happens once. The engine journals it before it is done, and never does it again. */
export interface OneShotFault<Spec> {
  readonly driver: 'one-shot';
  /** By what it is done, as the evidence says it: signal, exec, reboot. */
  readonly engine: string;
  readonly needs: readonly CapabilityName[];
  target(spec: Spec): WantedTarget;
  /** @throws ChaosError FAILED_PRECONDITION when this node does not allow it. */
  require?(spec: Spec, settings: NodeSettings): void;
  /** What would be done, step by step, for a dry run. */
  steps(spec: Spec, target: ResolvedTarget): readonly PlanStep[];
  /** Does it. @throws ChaosError when nothing of it has happened. */
  run(spec: Spec, target: ResolvedTarget, tools: OneShotTools): Promise<Measured>;
  /**
   * After a daemon was killed half-way, perhaps by a reboot: what came of it, if that can be told. Undefined: it cannot.
   * It is not done again in either case.
   */
  outcome?(spec: Spec, target: ResolvedTarget, since: BegunAt, tools: OneShotTools): Promise<Measured | undefined>;
}

/** When a one-shot fault began. */
export interface BegunAt {
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly bootId: string;
}

/** A fault of any driver. A new driver is a new member. */
export type Fault<Spec> = NetworkFault<Spec> | ProxyFault<Spec> | ProcessFault<Spec> | OneShotFault<Spec>;

/** One fault for each action that a daemon carries out, by the action's name. */
export type Faults = { readonly [Name in keyof DaemonSpecs]: Fault<DaemonSpecs[Name]> };
