/** Keeps the EndpointSlices of the daemons as they should be, and says where they are to those who call them. */
import { ChaosError, type Logger } from '@chaosplane/common';
import {
  endpointSlices,
  services,
  type EndpointSlice,
  type Informer,
  type KubeClient,
  type Pod,
  type Reconciler,
} from '@chaosplane/kube';
import { FIELD_MANAGER } from '../field-manager.ts';
import type { Daemons } from './daemons.ts';
import { daemonAddresses, slicesFor, type EndpointsOf } from './endpoints.ts';

/** What it works with. */
export interface KeepEndpointsParts extends Omit<EndpointsOf, 'serviceUid'> {
  readonly client: KubeClient;
  /** The daemons' pods. */
  readonly pods: Informer<Pod>;
  readonly daemons: Daemons;
  readonly logger: Logger;
}

/** The reconciler; there is one key only, because all slices are made together. */
export function endpointsReconciler(parts: KeepEndpointsParts): Reconciler {
  const { client, service, namespace, pods, daemons, logger } = parts;
  return async (_key, signal) => {
    const list = pods.list();
    daemons.know(daemonAddresses(list));
    const owner = await client.get(services, { namespace, name: service }, { signal });
    if (owner === undefined)
      throw new ChaosError(
        'FAILED_PRECONDITION',
        `the Service ${namespace}/${service} is missing: install the chart again`,
      );
    const wanted = slicesFor(list, { ...parts, serviceUid: owner.metadata.uid ?? '' });
    const labelSelector = `kubernetes.io/service-name=${service}`;
    const { items } = await client.list(endpointSlices, { namespace, labelSelector, signal });
    for (const slice of wanted) {
      const before = items.find(({ metadata }) => metadata.name === slice.metadata.name);
      if (before !== undefined && sameContent(before, slice)) continue;
      await client.apply(endpointSlices, slice, { fieldManager: FIELD_MANAGER, force: true, signal });
      logger.info({ slice: slice.metadata.name, endpoints: slice.endpoints?.length ?? 0 }, 'endpoints written');
    }
    const names = new Set(wanted.map(({ metadata }) => metadata.name));
    for (const { metadata } of items)
      if (!names.has(metadata.name)) await client.delete(endpointSlices, metadata, { signal });
    return undefined;
  };
}

/** Whether a slice says what it should; its order is ours. */
function sameContent(found: EndpointSlice, wanted: EndpointSlice): boolean {
  const essence = ({ endpoints, ports }: EndpointSlice): string =>
    JSON.stringify([
      (endpoints ?? []).map(({ addresses, hostname, nodeName, targetRef }) => [
        addresses,
        hostname,
        nodeName,
        targetRef?.uid,
      ]),
      (ports ?? []).map(({ port }) => port),
    ]);
  return essence(found) === essence(wanted);
}
