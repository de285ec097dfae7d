/** What the components of one term are made of. */
import { endpointSlices, nodes, pods, services, createInformer } from '@chaosplane/kube';
import type {
  Component,
  EndpointSlice,
  EventRecorder,
  Informer,
  InformerOptions,
  KubeObject,
  Node,
  Pod,
  ResourceType,
  Service,
  WorkQueue,
} from '@chaosplane/kube';
import {
  chaosExperiments,
  chaosSchedules,
  chaosWorkflows,
  type ExperimentObject,
  type ScheduleObject,
  type WorkflowObject,
} from '@chaosplane/api';
import { createEventRecorder } from '@chaosplane/kube';
import type { OperatorConfig } from './config.ts';
import { daemonPods } from './daemons/endpoints.ts';
import type { OperatorParts } from './parts.ts';

/** Copies of what the API server has. */
export interface Caches {
  readonly pods: Informer<Pod>;
  readonly nodes: Informer<Node>;
  readonly services: Informer<Service>;
  readonly slices: Informer<EndpointSlice>;
  /** The daemons' pods. */
  readonly daemonPods: Informer<Pod>;
  readonly experiments: Informer<ExperimentObject>;
  readonly schedules: Informer<ScheduleObject>;
  readonly workflows: Informer<WorkflowObject>;
}

/** What every component is given. */
export interface TermParts extends Required<OperatorParts> {
  readonly config: OperatorConfig;
  readonly caches: Caches;
  readonly events: EventRecorder;
  /** Of pods and nodes that are hit. */
  readonly targetEvents: EventRecorder;
  /** The number of the term; daemons refuse those of an earlier one. */
  readonly epoch: number;
  /** Nodes that have a daemon at this moment. */
  readonly daemonNodes: () => ReadonlyMap<string, unknown>;
}

/** Nothing of it is started yet. */
export function newTermParts(config: OperatorConfig, parts: Required<OperatorParts>, epoch: number): TermParts {
  const { client, clock, logger } = parts;
  const { namespace, watchNamespace, daemonSelector } = config;
  const watch = <T extends KubeObject>(type: ResourceType<T>, options: InformerOptions = {}): Informer<T> =>
    createInformer(client, type, options, { clock, logger });
  const own = watchNamespace === undefined ? {} : { namespace: watchNamespace };
  const caches = {
    experiments: watch(chaosExperiments, own),
    schedules: watch(chaosSchedules, own),
    workflows: watch(chaosWorkflows, own),
    pods: watch(pods),
    nodes: watch(nodes),
    services: watch(services),
    slices: watch(endpointSlices),
    daemonPods: watch(pods, { namespace, labelSelector: daemonSelector }),
  };
  const component = { component: 'chaosplane-operator', instance: config.identity };
  return {
    ...parts,
    config,
    caches,
    epoch,
    events: createEventRecorder({ client, clock, logger, ...component }),
    targetEvents: createEventRecorder({ client, clock, logger, ...component }),
    daemonNodes: () => daemonPods(caches.daemonPods.list()),
  };
}

/** A cache that is filled before the next component starts. */
export function cacheComponent(informer: Pick<Informer<KubeObject>, 'name' | 'start'>): Component {
  return { name: `cache of ${informer.name}`, start: (signal) => informer.start(signal) };
}

/** A queue that works from its start on; stopping waits until what is under way has ended. */
export function queueComponent(name: string, queue: WorkQueue): Component {
  let drained: Promise<void> | undefined;
  return {
    name,
    start: async (signal) => {
      drained = queue.start(signal);
    },
    stop: async () => drained,
  };
}
