/** One experiment, while the controller has it in hand. */
import type { Clock, Logger } from '@chaosplane/common';
import { experimentId, type ChaosExperiment, type ExperimentStatus, type ExperimentObject } from '@chaosplane/api';
import type { ProbeOutcome } from '@chaosplane/lifecycle';
import type { EventRecorder, Informer, KubeClient, Node, Pod } from '@chaosplane/kube';
import type { Calls } from '../daemons/calls.ts';
import type { Executor } from '../executors/executor.ts';
import type { Admission } from './admission.ts';
import type { Probing } from './probing.ts';
import type { Store, Stored } from './store.ts';

/** How an executor is wanted. */
export interface ExecutorOptions {
  readonly signal: AbortSignal;
  /** Look for executions on every node, because nobody knows where all of the targets are. */
  readonly everywhere: boolean;
  readonly calls: Calls;
}

/** What the controller works with. */
export interface ControllerParts {
  readonly client: KubeClient;
  readonly experiments: Informer<ExperimentObject>;
  readonly pods: Informer<Pod>;
  readonly nodes: Informer<Node>;
  readonly executorOf: (experiment: ChaosExperiment, experimentId: string, options: ExecutorOptions) => Executor;
  /** How many experiments of one namespace may be under way. */
  readonly experimentsPerNamespace: number;
  /** Wants a visit to the experiment of that key. */
  readonly wake: (key: string) => void;
  readonly events: EventRecorder;
  /** Whether probes may ask loopback and link-local addresses. */
  readonly allowLocalProbes: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What is remembered between two visits, and may be forgotten: another operator begins without it. */
export interface Memory {
  /** Of the experiment; another of its name is another one. */
  readonly uid: string;
  /** On the monotonic clock: when what was measured was last written down. */
  evidenceAt: number;
  /** How often each target, by uid, was asked for in vain. */
  readonly tried: Map<string, number>;
  /** Targets, by uid, that could not be hit yet: why, and before when, on the monotonic clock, they are not asked for again. */
  readonly later: Map<string, { readonly notBefore: number; readonly why: string }>;
  /** Calls to nodes that go on between visits. */
  readonly calls: Calls;
  /** On the monotonic clock: when a visit was left while injections were under way. */
  leftAt: number;
  probing?: Probing;
  /** What the API server had after the last visit. */
  stored?: Stored;
  before?: ProbeOutcome;
  after?: ProbeOutcome;
  /** Executions that were asked to end last. */
  asked: string;
  /** The peers that the daemons were told last, or why they could not be told. */
  peers?: string;
}

/** One visit to one experiment. */
export interface Run extends ControllerParts {
  readonly experiment: ChaosExperiment;
  readonly experimentId: string;
  readonly executor: Executor;
  readonly store: Store;
  readonly memory: Memory;
  readonly admission: Admission;
  readonly signal: AbortSignal;
  /** Why the experiment must end: it cannot be understood any more, or what was written down of it is not ours. */
  readonly broken?: string;
  /** What the API server has. */
  stored: Stored;
  /** What is known by now. */
  status: ExperimentStatus;
  /** On the monotonic clock: when the status was last written. */
  savedAt: number;
}

/** When an experiment is visited again; undefined: when something changes. */
export type Next = { readonly requeueAfterMs: number } | undefined;

/** Unique, and readable in the logs and lists of a node. */
export function experimentIdOf({ metadata: { namespace = '', name, uid = '' } }: ExperimentObject): string {
  return experimentId({ namespace, name }, uid);
}
