/** What the controller of experiments is made of. */
import type { ExperimentObject, ExperimentSpec, ExperimentStatus } from '@chaosplane/api';
import type { Clock, Logger } from '@chaosplane/common';
import type { EventRecorder, Informer, KubeClient, Node, Pod, RateLimiter } from '@chaosplane/kube';
import type { Executor } from '@chaosplane/lifecycle';
import type { Calls } from '../../daemons/calls.ts';
import type { PolicyPort } from '../policy/setup.ts';
import type { OperatorMetrics } from '../../metrics.ts';

/** How an executor is made for one visit. */
export interface ExecutorOptions {
  readonly signal: AbortSignal;
  /** Look for executions on every node, because it is not known where all of the targets are. */
  readonly everywhere: boolean;
  readonly calls: Calls;
  /** What is known of the experiment at this moment. */
  readonly status: () => ExperimentStatus;
}

/** The executor for one experiment; its spec is undefined when it cannot be understood. */
export type ExecutorOf = (spec: ExperimentSpec | undefined, experimentId: string, options: ExecutorOptions) => Executor;

/** What the controller works with. */
export interface ControllerParts {
  readonly client: KubeClient;
  readonly experiments: Informer<ExperimentObject>;
  readonly pods: Informer<Pod>;
  readonly nodes: Informer<Node>;
  readonly executorOf: ExecutorOf;
  readonly policies: PolicyPort;
  /** How many experiments of one namespace may be under way. */
  readonly experimentsPerNamespace: number;
  /** Wants a visit to the experiment of that key; an urgent one takes a worker that is kept for what is to end. */
  readonly wake: (key: string, how?: 'urgent') => void;
  readonly events: EventRecorder;
  /** Of targets, which are many: they take no room from the events of experiments. */
  readonly targetEvents: EventRecorder;
  /** Whether probes may ask loopback, link-local and metadata addresses. */
  readonly allowLocalProbes: boolean;
  /** How often samples may be taken, by namespace. */
  readonly samples: RateLimiter;
  readonly metrics: Pick<OperatorMetrics, 'effective' | 'clean'>;
  readonly clock: Clock;
  readonly logger: Logger;
}
