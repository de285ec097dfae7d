/** Puts an operator together: it waits until it leads, watches the cluster, tells the daemons, works; losing the lead ends it. */
import { systemClock, type Clock, type Logger } from '@chaosplane/common';
import { findAction } from '@chaosplane/actions';
import {
  createEventRecorder,
  createInformer,
  createManager,
  createWorkQueue,
  electLeader,
  endpointSlices,
  keyOf,
  nodes,
  pods,
  services,
  type Component,
  type Informer,
  type InformerOptions,
  type KubeClient,
  type KubeObject,
  type Leadership,
  type Manager,
  type ResourceType,
  type WorkQueue,
} from '@chaosplane/kube';
import { chaosExperiments, whyAbort, type ExperimentObject } from './api/resources.ts';
import type { OperatorConfig } from './config.ts';
import { experimentReconciler } from './controllers/experiment.ts';
import type { ControllerParts } from './controllers/run.ts';
import type { Daemons } from './daemons/daemons.ts';
import { daemonExecutor } from './executors/daemon-executor.ts';
import { podKillExecutor } from './executors/pod-kill.ts';
import { daemonAddresses, daemonPods } from './nodes/endpoints.ts';
import { endpointsReconciler } from './nodes/keep-endpoints.ts';
import { keepLeases } from './nodes/keep-leases.ts';
import { runningContainer } from './targets/container.ts';
import { followedPeers, peersMove, resolvePeers, type PeerWorld } from './targets/peers.ts';

/** What an operator is given beside its settings. */
export interface OperatorParts {
  readonly client: KubeClient;
  readonly daemons: Daemons;
  readonly logger: Logger;
  readonly clock?: Clock;
}

/** How a term ended: it was told to stop, or another replica leads now. */
export type TermEnd = 'stopped' | 'deposed';

/**
 * Waits for the lead, works until it is lost or the signal comes, and lets go of everything.
 * Faults that are in force stay: the next leader takes them over, or the daemons end them when the lease lapses.
 */
export async function runOperator(config: OperatorConfig, given: OperatorParts, signal: AbortSignal): Promise<TermEnd> {
  const parts = { clock: systemClock, ...given };
  const { logger } = parts;
  const { namespace, leaseName, identity, leaderLease } = config;
  logger.info({ identity }, 'waiting for the lead');
  const leadership = await electLeader(
    {
      namespace,
      name: leaseName,
      identity,
      leaseDurationMs: leaderLease,
      renewDeadlineMs: (leaderLease * 2) / 3,
      retryMs: (leaderLease * 2) / 15,
    },
    parts,
    signal,
  ).catch((error: unknown) => {
    // One that waits for the lead has nothing to let go of.
    if (signal.aborted) return undefined;
    throw error;
  });
  if (leadership === undefined) return 'stopped';
  const manager = assemble(config, parts, leadership);
  const term = AbortSignal.any([signal, leadership.lost]);
  logger.info({ identity, epoch: leadership.epoch }, 'leading');
  try {
    await manager.start(term);
    await aborted(term);
  } catch (error) {
    if (!term.aborted) throw error;
  } finally {
    await manager.stop();
    await leadership.release();
  }
  return leadership.lost.aborted ? 'deposed' : 'stopped';
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function assemble(config: OperatorConfig, parts: Required<OperatorParts>, { epoch }: Leadership): Manager {
  const { client, daemons, clock, logger } = parts;
  const watch = <T extends KubeObject>(type: ResourceType<T>, options: InformerOptions = {}): Informer<T> =>
    createInformer(client, type, options, { clock, logger });
  const { watchNamespace } = config;
  const experiments = watch(chaosExperiments, watchNamespace === undefined ? {} : { namespace: watchNamespace });
  const caches = { pods: watch(pods), nodes: watch(nodes), services: watch(services), slices: watch(endpointSlices) };
  const daemonCache = watch(pods, { namespace: config.namespace, labelSelector: config.daemonSelector });
  const events = createEventRecorder({
    client,
    clock,
    logger,
    component: 'chaosplane-operator',
    instance: config.identity,
  });
  const executorOf: ControllerParts['executorOf'] = (experiment, experimentId, { signal, everywhere }) => {
    const { spec } = experiment;
    if (findAction(spec.action.type).route.on === 'operator')
      return podKillExecutor({ spec, client, cache: caches.pods, signal });
    const world = (): PeerWorld => ({
      pods: caches.pods.list(),
      services: caches.services.list(),
      endpointSlices: caches.slices.list(),
    });
    return daemonExecutor({
      spec,
      experimentId,
      daemons,
      epoch,
      leaseTtlMs: config.daemonLease,
      containerOf: ({ namespace, name, uid }) => runningContainer(caches.pods.get({ namespace, name }), uid),
      nodeExists: (name) => caches.nodes.get({ name }) !== undefined,
      alsoAsk: everywhere ? [...daemonPods(daemonCache.list()).keys()] : [],
      peers: () => resolvePeers(spec, world()),
      followed: () => (peersMove(spec) ? followedPeers(spec, world()) : undefined),
      clock,
      logger,
      signal,
    });
  };
  const controller = { client, experiments, pods: caches.pods, nodes: caches.nodes, executorOf, events, clock, logger };
  const work = createWorkQueue(
    { name: 'experiments', concurrency: config.workers, reconcile: experimentReconciler(controller) },
    { clock, logger },
  );
  const endpoints = createWorkQueue(
    {
      name: 'endpoints',
      concurrency: 1,
      reconcile: endpointsReconciler({
        client,
        pods: daemonCache,
        daemons,
        logger,
        service: config.daemonService,
        namespace: config.namespace,
        port: config.daemonPort,
      }),
    },
    { clock, logger },
  );
  // Daemons that are there already are no change.
  endpoints.add('daemons');
  experiments.onChange(({ type, object, previous }) => {
    if (type === 'deleted' || concerns(object, previous)) work.add(keyOf(object.metadata));
  });
  daemonCache.onChange(() => endpoints.add('daemons'));

  const manager = createManager({ logger, clock });
  for (const informer of [caches.pods, caches.nodes, caches.services, caches.slices, daemonCache])
    manager.add({ name: `cache of ${informer.name}`, start: (signal) => informer.start(signal) });
  // Before the first call, or it would ask for a name that has no record yet.
  manager.add({ name: 'addresses', start: async () => daemons.know(daemonAddresses(daemonCache.list())) });
  manager.add(working('endpoints', endpoints));
  const leases = {
    daemons,
    nodes: () => daemonPods(daemonCache.list()).keys(),
    epoch,
    leaseTtlMs: config.daemonLease,
    renewMs: config.renewEvery,
    clock,
    logger,
  };
  manager.add({ name: 'leases', start: (signal) => keepLeases(leases, signal) });
  manager.add({ name: 'events', start: async () => undefined, stop: () => events.stop() });
  manager.add(working('experiments', work));
  manager.add({ name: `cache of ${experiments.name}`, start: (signal) => experiments.start(signal) });
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

/** Our own writes of the status are no news. */
function concerns(object: ExperimentObject, previous: ExperimentObject | undefined): boolean {
  if (previous === undefined) return true;
  return object.metadata.generation !== previous.metadata.generation || whyAbort(object) !== whyAbort(previous);
}
