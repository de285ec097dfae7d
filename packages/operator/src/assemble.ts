/** Puts the parts of an operator's term together: caches, queues and the leases, in the order in which they start. */
import {
  createEventRecorder,
  createInformer,
  createManager,
  endpointSlices,
  nodes,
  pods,
  services,
  type Component,
  type Informer,
  type InformerOptions,
  type KubeObject,
  type Leadership,
  type Manager,
  type ResourceType,
  type WorkQueue,
} from '@chaosplane/kube';
import { chaosExperiments } from '@chaosplane/api';
import type { OperatorConfig } from './config.ts';
import { experimentReconciler } from './controllers/experiment/controller.ts';
import { chooseExecutor } from './executors/choose.ts';
import { daemonAddresses, daemonPods } from './daemons/endpoints.ts';
import { cleanReconciler } from './daemons/keep-clean.ts';
import { endpointsReconciler } from './daemons/keep-endpoints.ts';
import { keepLeases } from './daemons/keep-leases.ts';
import type { OperatorParts } from './operator.ts';
import { createQueues } from './queues.ts';

/** Everything that works during one term; nothing is started yet. */
export function assemble(config: OperatorConfig, parts: Required<OperatorParts>, { epoch }: Leadership): Manager {
  const { client, daemons, clock, logger, readiness } = parts;
  const { namespace, watchNamespace, daemonLease: leaseTtlMs, experimentsPerNamespace } = config;
  const watch = <T extends KubeObject>(type: ResourceType<T>, options: InformerOptions = {}): Informer<T> =>
    createInformer(client, type, options, { clock, logger });
  const experiments = watch(chaosExperiments, watchNamespace === undefined ? {} : { namespace: watchNamespace });
  const caches = { pods: watch(pods), nodes: watch(nodes), services: watch(services), slices: watch(endpointSlices) };
  const daemonCache = watch(pods, { namespace, labelSelector: config.daemonSelector });
  const daemonNodes = (): ReadonlyMap<string, unknown> => daemonPods(daemonCache.list());
  const component = { component: 'chaosplane-operator', instance: config.identity };
  const events = createEventRecorder({ client, clock, logger, ...component });
  const world = { client, daemons, ...caches, daemonPods: daemonCache, epoch, leaseTtlMs, clock, logger };

  const queues = createQueues({
    experiments,
    daemons: daemonCache,
    workers: config.workers,
    reconcilers: {
      experiments: experimentReconciler({
        ...{ client, experiments, pods: caches.pods, nodes: caches.nodes, events, clock, logger },
        executorOf: chooseExecutor(world),
        allowLocalProbes: config.allowLocalProbes,
        experimentsPerNamespace,
        wake: (key) => queues.experiments.add(key),
      }),
      endpoints: endpointsReconciler({
        ...{ client, pods: daemonCache, daemons, logger, namespace },
        service: config.daemonService,
        port: config.daemonPort,
      }),
      clean: cleanReconciler({
        ...{ client, daemons, experiments, watchNamespace, logger },
        hasDaemon: (node) => daemonNodes().has(node),
      }),
    },
    clock,
    logger,
  });

  const manager = createManager({ logger, clock });
  for (const informer of [...Object.values(caches), daemonCache])
    manager.add({ name: `cache of ${informer.name}`, start: (signal) => informer.start(signal) });
  // Before the first call, or it would ask for a name that has no record yet.
  manager.add({ name: 'addresses', start: async () => daemons.know(daemonAddresses(daemonCache.list())) });
  manager.add(working('endpoints', queues.endpoints));
  const leases = {
    ...{ daemons, nodes: () => daemonNodes().keys(), epoch, leaseTtlMs },
    ...{ renewMs: config.renewEvery, readiness, clock, logger },
  };
  manager.add({ name: 'leases', start: (signal) => keepLeases(leases, signal) });
  manager.add({ name: 'events', start: async () => undefined, stop: () => events.stop() });
  manager.add(working('experiments', queues.experiments));
  manager.add({ name: `cache of ${experiments.name}`, start: (signal) => experiments.start(signal) });
  // After that cache, which is asked for each execution.
  manager.add(working('orphans', queues.clean));
  return manager;
}

/** A queue that works from its start on; stopping waits until what is under way has ended. */
function working(name: string, queue: WorkQueue): Component {
  let drained: Promise<void> | undefined;
  return {
    name,
    start: async (signal) => {
      drained = queue.start(signal);
    },
    stop: async () => drained,
  };
}
