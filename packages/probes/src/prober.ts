/** What probes are made with, and what asks one of each type. */
import type { LabelSelector, Probe, ProbedKind, SecretRef } from '@chaosplane/api';
import type { Clock } from '@chaosplane/common';
import type { KubeObject } from '@chaosplane/kube';
import type { ProbeOutcome } from '@chaosplane/lifecycle';

/** What one attempt came to; how long it took is measured by who made it. */
export type Measured = Omit<ProbeOutcome, 'tookMs'>;

/** Which objects of Kubernetes a probe asks for: with names and labels, those that have both. */
export interface WantedObjects {
  readonly kind: ProbedKind;
  readonly names?: readonly string[] | undefined;
  readonly labelSelector?: LabelSelector | undefined;
}

/** What probes are made with. */
export interface Prober {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Whether loopback, link-local and metadata addresses may be asked: the author of a probe could not ask them from elsewhere. */
  readonly allowLocal: boolean;
  /** Takes one of the samples that may be taken at this moment; false when there is none left. Absent: there is no limit. */
  readonly admits?: () => boolean;
  /** The value of a Secret's key; throws when it cannot be read. Absent: there are no Secrets. */
  readonly secret?: (ref: SecretRef) => Promise<string>;
  /**
   * The objects that there are, of the experiment's own namespace or of the cluster, in pages; throws an Error that says why when
   * they cannot be read. Absent: there is no API server.
   */
  readonly objects?: (wanted: WantedObjects, signal: AbortSignal) => AsyncIterable<readonly KubeObject[]>;
}

/** Asks a probe of one type, once. It throws nothing: what goes wrong is its outcome. */
export type ProbeRunner<Type extends Probe['type'] = Probe['type']> = (
  probe: Extract<Probe, { readonly type: Type }>,
  prober: Prober,
) => Promise<Measured>;
