/** Writes down on each Node what its daemon can do there, for people and for `chaosplane doctor`. */
import { catalogue } from '@chaosplane/actions';
import { CAPABILITIES_ANNOTATION, formatCapabilities } from '@chaosplane/api';
import { reasonOf } from '@chaosplane/client';
import type { Logger } from '@chaosplane/common';
import { isNotFound, nodes, type Informer, type KubeClient, type Node, type Reconciler } from '@chaosplane/kube';
import type { Capabilities } from '@chaosplane/proto';
import { FIELD_MANAGER } from '../field-manager.ts';
import type { Daemons } from './daemons.ts';

/** What it works with. */
export interface CapabilitiesParts {
  readonly client: KubeClient;
  readonly daemons: Daemons;
  readonly nodes: Pick<Informer<Node>, 'get'>;
  /** Whether a node has a daemon at this moment. */
  readonly hasDaemon: (node: string) => boolean;
  readonly logger: Logger;
}

const CALL_MS = 10_000;

/** A kernel module may be loaded, a program installed. Milliseconds. */
const AGAIN_MS = 10 * 60_000;

/** A daemon that does not answer is asked again: right after an installation it has just begun. Milliseconds. */
const RETRY_MS = 5000;

/** The reconciler of the work queue; keys are names of nodes. */
export function capabilitiesReconciler({ client, daemons, logger, ...parts }: CapabilitiesParts): Reconciler {
  return async (name, signal) => {
    if (!parts.hasDaemon(name)) return undefined;
    let told: Capabilities;
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(CALL_MS)]);
      told = await daemons.of(name).getCapabilities({}, { signal: limit });
    } catch (error) {
      signal.throwIfAborted();
      logger.debug({ node: name, reason: reasonOf(error) }, 'capabilities not told');
      return { requeueAfterMs: RETRY_MS };
    }
    const text = annotationOf(told);
    const node = parts.nodes.get({ name });
    if (node !== undefined && node.metadata.annotations?.[CAPABILITIES_ANNOTATION] !== text) {
      const body = { metadata: { annotations: { [CAPABILITIES_ANNOTATION]: text } } };
      await client
        .patch(nodes, { name }, { kind: 'merge', body }, { fieldManager: FIELD_MANAGER, signal })
        .catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        });
    }
    return { requeueAfterMs: AGAIN_MS };
  };
}

/** What the operator carries out itself needs nothing of a node. A daemon may know actions that this operator does not. */
const isOperators = (name: string): boolean =>
  catalogue.some((action) => action.name === name && action.route.on === 'operator');

/** Pure. */
export function annotationOf({ daemonVersion, kernelRelease, capabilities, actions }: Capabilities): string {
  return formatCapabilities({
    version: daemonVersion,
    kernel: kernelRelease,
    lacks: capabilities.flatMap(({ name, available, remedy }) => (available ? [] : [{ name, remedy }])),
    cannot: actions.flatMap(({ action, supported, engine, reason }) => {
      if (supported || isOperators(action)) return [];
      return [{ action, why: reason, ...(engine === '' ? {} : { notAllowed: true as const }) }];
    }),
  });
}
