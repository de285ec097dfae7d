/** What the probes of a resource are asked with. */
import type { Clock } from '@chaosplane/common';
import type { KubeClient } from '@chaosplane/kube';
import { readObjects, readSecret, type Prober } from '@chaosplane/probes';

/** What it is made of. */
export interface ProberParts {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** Whether probes may ask loopback, link-local and metadata addresses. */
  readonly allowLocalProbes: boolean;
}

/**
 * For the probes of a resource of that namespace, until the signal comes. Who writes one is asked for the rights that its probes need
 * there, and in no other namespace: see admission.yaml of the chart.
 */
export function proberIn(
  namespace: string,
  { client, clock, allowLocalProbes: allowLocal }: ProberParts,
  signal: AbortSignal,
): Prober {
  return {
    ...{ clock, signal, allowLocal },
    secret: (ref) => readSecret(client, { ...ref, namespace }, signal),
    objects: (wanted, until) => readObjects(client, { ...wanted, namespace }, until),
  };
}
