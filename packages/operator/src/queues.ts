/** The operator's work queues: how the workers are shared, and what brings a key into which queue. */
import type { Clock, Logger } from '@chaosplane/common';
import { isFinal, whyAbort, type ExperimentObject } from '@chaosplane/api';
import {
  createWorkQueue,
  keyOf,
  refOfKey,
  type Informer,
  type Pod,
  type Reconciler,
  type WorkQueue,
} from '@chaosplane/kube';
import { daemonPods } from './daemons/endpoints.ts';

/** What the queues are made of. */
export interface QueueParts {
  readonly experiments: Informer<ExperimentObject>;
  /** The daemons' pods. */
  readonly daemons: Informer<Pod>;
  /** Experiments that are worked on at the same time. */
  readonly workers: number;
  readonly reconcilers: {
    /** Keys are `namespace/name`. */
    readonly experiments: Reconciler;
    /** There is one key only. */
    readonly endpoints: Reconciler;
    /** Keys are names of nodes. */
    readonly clean: Reconciler;
  };
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The queues, by what is done there. */
export type Queues = Readonly<Record<keyof QueueParts['reconcilers'], WorkQueue>>;

/** Nodes that are compared with the experiments at the same time. */
const PARALLEL_NODES = 32;

/** How long after a deletion each node is looked at again. Milliseconds. */
const CLEAN_AGAIN_MS = 3000;

/** Makes the queues, and fills them from now on with what changes. */
export function createQueues({ experiments, daemons, workers, reconcilers, ...tools }: QueueParts): Queues {
  const queues = {
    experiments: createWorkQueue(
      {
        name: 'experiments',
        reconcile: reconcilers.experiments,
        // All workers share one processor and one API server, so a namespace has few of them. What is to end has some more.
        concurrency: workers,
        groupOf: (key) => refOfKey(key).namespace ?? '',
        perGroup: Math.ceil(workers / 6),
        isUrgent: (key) => isEnding(experiments.get(refOfKey(key))),
        reserved: Math.ceil(workers / 4),
      },
      tools,
    ),
    endpoints: createWorkQueue({ name: 'endpoints', concurrency: 1, reconcile: reconcilers.endpoints }, tools),
    clean: createWorkQueue({ name: 'orphans', concurrency: PARALLEL_NODES, reconcile: reconcilers.clean }, tools),
  };
  // Daemons that are there already are no change.
  queues.endpoints.add('daemons');
  experiments.onChange(({ type, object, previous }) => {
    if (type === 'deleted' || concerns(object, previous)) queues.experiments.add(keyOf(object.metadata));
    if (type !== 'deleted' || !mayBeInForce(object)) return;
    for (const node of daemonPods(daemons.list()).keys()) {
      queues.clean.add(node);
      // An injection that was under way when its experiment went may arrive after the list.
      queues.clean.addAfter(node, CLEAN_AGAIN_MS);
    }
  });
  daemons.onChange(({ object }) => {
    queues.endpoints.add('daemons');
    if (object.spec?.nodeName !== undefined) queues.clean.add(object.spec.nodeName);
  });
  return queues;
}

/** Nothing is on a node before the phase is written down, and nothing after the last one. */
function mayBeInForce({ status }: ExperimentObject): boolean {
  const { phase = 'Pending' } = status ?? {};
  return phase !== 'Pending' && !isFinal({ phase });
}

/** Whether somebody waits for its end. */
function isEnding(object: ExperimentObject | undefined): boolean {
  if (object === undefined || whyAbort(object) === undefined) return false;
  const { phase = 'Pending' } = object.status ?? {};
  return object.metadata.deletionTimestamp !== undefined || !isFinal({ phase });
}

/** Our own writes of the status are no news. */
function concerns(object: ExperimentObject, previous: ExperimentObject | undefined): boolean {
  if (previous === undefined) return true;
  return object.metadata.generation !== previous.metadata.generation || whyAbort(object) !== whyAbort(previous);
}
