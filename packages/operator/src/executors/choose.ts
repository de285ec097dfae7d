/** Which executor carries an experiment out, and what it is told of the cluster. */
import type { Clock, Logger } from '@chaosplane/common';
import type { EndpointSlice, Informer, KubeClient, Node, Pod, Service } from '@chaosplane/kube';
import type { ExecutorOf } from '../controllers/experiment/parts.ts';
import type { Daemons } from '../daemons/daemons.ts';
import { daemonPods } from '../daemons/endpoints.ts';
import { runningContainer } from '../targets/container.ts';
import { whyGone } from '../targets/gone.ts';
import { followedPeers, peersMove, resolvePeers, type PeerSources } from '@chaosplane/client';
import { kubeletTraffic } from '../targets/probes.ts';
import { daemonExecutor } from './daemon/executor.ts';
import { operatorAction } from './registry.ts';

/** What the executor of any experiment is made of. */
export interface ExecutorParts {
  readonly client: KubeClient;
  readonly daemons: Daemons;
  readonly pods: Informer<Pod>;
  readonly nodes: Informer<Node>;
  readonly services: Informer<Service>;
  readonly slices: Informer<EndpointSlice>;
  /** The daemons' pods. */
  readonly daemonPods: Informer<Pod>;
  readonly epoch: number;
  readonly leaseTtlMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The executor of each experiment. */
export function chooseExecutor(parts: ExecutorParts): ExecutorOf {
  const { client, daemons, pods, nodes, epoch, leaseTtlMs, clock, logger } = parts;
  const now = (): PeerSources => ({
    pods: pods.list(),
    services: parts.services.list(),
    endpointSlices: parts.slices.list(),
  });
  return (spec, experimentId, { signal, everywhere, calls }) => {
    const own = spec === undefined ? undefined : operatorAction(spec);
    if (own !== undefined && spec !== undefined) return own({ spec, client, cache: pods, signal });
    return daemonExecutor({
      ...{ spec, experimentId, daemons, epoch, leaseTtlMs, calls, clock, logger, signal },
      containerOf: ({ namespace, name, uid }) => runningContainer(pods.get({ namespace, name }), uid),
      kubeletProbesOf: ({ namespace, name, uid, node = '' }) =>
        kubeletTraffic(pods.get({ namespace, name }), nodes.get({ name: node }), uid),
      whyGone: ({ namespace, name, uid }) => whyGone(pods.get({ namespace, name }), uid),
      nodeExists: (name) => nodes.get({ name }) !== undefined,
      alsoAsk: everywhere ? [...daemonPods(parts.daemonPods.list()).keys()] : [],
      peers: () => (spec === undefined ? [] : resolvePeers(spec, now())),
      ...(spec !== undefined && peersMove(spec) ? { followed: () => followedPeers(spec, now()) } : {}),
    });
  };
}
