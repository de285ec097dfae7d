/** What the parts of an operator share. */
import type { Clock, Logger } from '@chaosplane/common';
import type { KubeClient } from '@chaosplane/kube';
import type { Daemons } from './daemons/daemons.ts';
import type { OperatorMetrics } from './metrics.ts';
import type { Readiness } from './readiness.ts';

/** What an operator is given beside its settings. */
export interface OperatorParts {
  readonly client: KubeClient;
  readonly daemons: Daemons;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** Told what keeps it from its work. */
  readonly readiness?: Readiness;
  readonly metrics?: OperatorMetrics;
}
