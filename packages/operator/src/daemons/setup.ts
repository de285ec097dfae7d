/** Sets up what the operator does for all daemons: their names, their leases, and no executions without an experiment. */
import { isFinal, type ExperimentObject } from '@chaosplane/api';
import { createWorkQueue, type Component } from '@chaosplane/kube';
import { queueComponent, type TermParts } from '../term.ts';
import { daemonAddresses } from './endpoints.ts';
import { cleanReconciler } from './keep-clean.ts';
import { endpointsReconciler } from './keep-endpoints.ts';
import { capabilitiesReconciler } from './keep-capabilities.ts';
import { keepLeases } from './keep-leases.ts';

/** Nodes that are compared with the experiments at the same time. */
const PARALLEL_NODES = 32;

/** How long after a deletion each node is looked at again. Milliseconds. */
const CLEAN_AGAIN_MS = 3000;

/** The names of the daemons in cluster DNS. */
export function setupEndpoints({
  client,
  daemons,
  caches,
  config,
  metrics,
  clock,
  logger,
}: TermParts): readonly Component[] {
  const { daemonPods } = caches;
  const { namespace, daemonService: service, daemonPort: port } = config;
  const reconcile = endpointsReconciler({ client, pods: daemonPods, daemons, logger, namespace, service, port });
  const queue = createWorkQueue(
    { name: 'endpoints', concurrency: 1, reconcile, observer: metrics.queues.of('endpoints') },
    { clock, logger },
  );
  // There is one key only. Daemons that are there already are no change.
  queue.add('daemons');
  daemonPods.onChange(() => queue.add('daemons'));
  return [
    // Before the first call, or it would ask for a name that has no record yet.
    { name: 'addresses', start: async () => daemons.know(daemonAddresses(daemonPods.list())) },
    queueComponent('endpoints', queue),
  ];
}

/** The lease at every daemon. */
export function setupLeases({
  daemons,
  daemonNodes,
  config,
  epoch,
  readiness,
  clock,
  logger,
}: TermParts): readonly Component[] {
  const { daemonLease: leaseTtlMs, renewEvery: renewMs } = config;
  const parts = { daemons, nodes: () => daemonNodes().keys(), epoch, leaseTtlMs, renewMs, readiness, clock, logger };
  return [{ name: 'leases', start: (signal) => keepLeases(parts, signal) }];
}

/** What each node can do, on its Node; keys are names of nodes. */
export function setupCapabilities(term: TermParts): readonly Component[] {
  const { client, daemons, daemonNodes, caches, metrics, clock, logger } = term;
  const { nodes, daemonPods } = caches;
  const hasDaemon = (node: string): boolean => daemonNodes().has(node);
  const queue = createWorkQueue(
    {
      name: 'capabilities',
      concurrency: 8,
      reconcile: capabilitiesReconciler({ client, daemons, nodes, hasDaemon, logger }),
      observer: metrics.queues.of('capabilities'),
    },
    { clock, logger },
  );
  daemonPods.onChange(({ type, object, previous }) => {
    const { nodeName } = object.spec ?? {};
    const isNews = previous?.status?.podIP !== object.status?.podIP || type === 'added';
    if (nodeName !== undefined && type !== 'deleted' && isNews) queue.add(nodeName);
  });
  return [queueComponent('capabilities', queue)];
}

/** The search for executions that have lost their experiment; keys are names of nodes. */
export function setupClean({
  client,
  daemons,
  daemonNodes,
  caches,
  config,
  metrics,
  clock,
  logger,
}: TermParts): readonly Component[] {
  const { experiments, daemonPods } = caches;
  const { watchNamespace } = config;
  const hasDaemon = (node: string): boolean => daemonNodes().has(node);
  const reconcile = cleanReconciler({ client, daemons, experiments, watchNamespace, metrics, logger, hasDaemon });
  const queue = createWorkQueue(
    { name: 'orphans', concurrency: PARALLEL_NODES, reconcile, observer: metrics.queues.of('orphans') },
    { clock, logger },
  );
  experiments.onChange(({ type, object }) => {
    if (type !== 'deleted' || !mayBeInForce(object)) return;
    for (const node of daemonNodes().keys()) {
      queue.add(node);
      // An injection that was under way when its experiment went may arrive after the list.
      queue.addAfter(node, CLEAN_AGAIN_MS);
    }
  });
  daemonPods.onChange(({ object }) => {
    if (object.spec?.nodeName !== undefined) queue.add(object.spec.nodeName);
  });
  return [queueComponent('orphans', queue)];
}

/** Nothing is on a node before the phase is written down, and nothing after the last one. */
function mayBeInForce({ status }: ExperimentObject): boolean {
  const { phase = 'Pending' } = status ?? {};
  return phase !== 'Pending' && !isFinal({ phase });
}
