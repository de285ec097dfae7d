/** Sets the controller of ChaosExperiments up: its queue, and what brings a key into it. */
import { isFinal, whyAbort, type ExperimentObject } from '@chaosplane/api';
import { createRateLimiter, createWorkQueue, keyOf, refOfKey, type Component } from '@chaosplane/kube';
import { chooseExecutor } from '../../executors/choose.ts';
import { cacheComponent, queueComponent, type TermParts } from '../../term.ts';
import type { PolicyPort } from '../policy/setup.ts';
import { experimentReconciler } from './controller.ts';

/** When experiments are judged again after something has changed around them: several changes are one look. Milliseconds. */
const SOON_MS = 100;

/** So many samples are taken of a namespace: who may write experiments does not turn the operator into a flood. */
const SAMPLES = { burst: 200, perSecond: 100 };

export function setupExperiments(term: TermParts, policies: PolicyPort): readonly Component[] {
  const { client, caches, config, events, targetEvents, clock, logger, daemons, epoch, metrics } = term;
  const { experiments, pods, nodes } = caches;
  const { workers, allowLocalProbes, experimentsPerNamespace, daemonLease: leaseTtlMs, namespace } = config;
  /** Experiments that an abort condition wants to end, until they have. */
  const urgent = new Set<string>();
  const reconcile = experimentReconciler({
    ...{
      client,
      experiments,
      pods,
      nodes,
      policies,
      events,
      targetEvents,
      clock,
      logger,
      metrics,
      allowLocalProbes,
      samples: createRateLimiter(SAMPLES, clock),
      experimentsPerNamespace,
    },
    executorOf: chooseExecutor({ client, daemons, ...caches, namespace, epoch, leaseTtlMs, clock, logger }),
    wake(key, how) {
      if (how === 'urgent') urgent.add(key);
      queue.add(key);
    },
  });
  const queue = createWorkQueue(
    {
      name: 'experiments',
      reconcile,
      // All workers share one processor and one API server, so a namespace has few of them. What is to end has some more.
      concurrency: workers,
      groupOf: (key) => refOfKey(key).namespace ?? '',
      perGroup: Math.ceil(workers / 6),
      isUrgent: (key) => urgent.has(key) || isEnding(experiments.get(refOfKey(key))) || policies.isUrgent(key),
      reserved: Math.ceil(workers / 4),
      observer: metrics.queues.of('experiments'),
    },
    { clock, logger },
  );
  metrics.watch(experiments);
  policies.onChange((keys, how) => {
    for (const key of keys) queue.addAfter(key, how === 'at once' ? 0 : SOON_MS);
  });
  experiments.onChange(({ type, object, previous }) => {
    if (type === 'deleted' || isFinal({ phase: object.status?.phase ?? 'Pending' }))
      urgent.delete(keyOf(object.metadata));
    if (type === 'deleted' || concerns(object, previous)) queue.add(keyOf(object.metadata));
  });
  return [queueComponent('experiments', queue), cacheComponent(experiments)];
}

/** Whether its end was asked for. */
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
