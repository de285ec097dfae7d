/** What probes are made with, and what asks one of each type. */
import type { Probe, SecretRef } from '@chaosplane/api';
import type { Clock } from '@chaosplane/common';
import type { ProbeOutcome } from '@chaosplane/lifecycle';

/** What probes are made with. */
export interface Prober {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Whether loopback and link-local addresses may be asked: the author of a probe could not ask them from elsewhere. */
  readonly allowLocal: boolean;
  /** The value of a Secret's key; throws when it cannot be read. Absent: there are no Secrets. */
  readonly secret?: (ref: SecretRef) => Promise<string>;
}

/** Asks a probe of one type, once. */
export type ProbeRunner<Type extends Probe['type'] = Probe['type']> = (
  probe: Extract<Probe, { readonly type: Type }>,
  prober: Prober,
) => Promise<ProbeOutcome>;
