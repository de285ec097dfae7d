/** Which executor carries an experiment out, and what it is told of the cluster. */
import type { Clock, Logger } from '@chaosplane/common';
import type { EndpointSlice, Informer, KubeClient, Node, Pod, Service } from '@chaosplane/kube';
import type { ExecutorOf } from '../controllers/experiment/parts.ts';
import { nodeExecutions } from '../nodes/executions.ts';
import { holds } from '../nodes/holds.ts';
import type { Daemons } from '../daemons/daemons.ts';
import { daemonPods } from '../daemons/endpoints.ts';
import { runningContainer } from '../targets/container.ts';
import { whyGone } from '../targets/gone.ts';
import { followedPeers, peersMove, resolvePeers, type PeerSources } from '@chaosplane/client';
import { kubeletTraffic } from '../targets/probes.ts';
import { daemonExecutor } from './daemon/executor.ts';
import { operatorAction } from './registry.ts';
import { withHolds } from './unknown.ts';

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
  /** The operator's own. */
  readonly namespace: string;
  readonly epoch: number;
  readonly leaseTtlMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

const BY_NODE = 'node';

/** The executor of each experiment. */
export function chooseExecutor(parts: ExecutorParts): ExecutorOf {
  const { client, daemons, pods, nodes, namespace, epoch, leaseTtlMs, clock, logger } = parts;
  pods.addIndex(BY_NODE, ({ spec }) => (spec?.nodeName === undefined ? [] : [spec.nodeName]));
  const podsOn = (node: string): readonly Pod[] => pods.byIndex(BY_NODE, node);
  const now = (): PeerSources => ({
    pods: pods.list(),
    services: parts.services.list(),
    endpointSlices: parts.slices.list(),
  });
  return (spec, experimentId, { signal, everywhere, calls, status }) => {
    const own = spec === undefined ? undefined : operatorAction(spec);
    const ofNodes = { experimentId, client, nodes, calls, status, clock, logger, signal };
    if (own !== undefined && spec !== undefined) return own({ ...ofNodes, spec, pods, podsOn, namespace });
    const byDaemons = daemonExecutor({
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
    // What cannot be understood is undone, whichever action it was.
    return spec === undefined ? withHolds(byDaemons, nodeExecutions(holds, ofNodes)) : byDaemons;
  };
}
