/** Compares what a daemon has with the experiments that exist, and cancels what belongs to none. */
import type { Logger } from '@chaosplane/common';
import type { Informer, KubeClient, Reconciler } from '@chaosplane/kube';
import type { Execution } from '@chaosplane/proto';
import pMap from 'p-map';
import type { ExperimentObject } from '@chaosplane/api';
import type { OperatorMetrics } from '../metrics.ts';
import type { Daemons } from './daemons.ts';
import { reasonOf } from '@chaosplane/client';
import { experimentAnswers } from './answering.ts';
import { ownerOf } from './orphans.ts';

/** What it works with. */
export interface KeepCleanParts {
  readonly client: KubeClient;
  readonly daemons: Daemons;
  readonly experiments: Informer<ExperimentObject>;
  /** Only experiments of this namespace are this operator's; absent: those of all. */
  readonly watchNamespace?: string | undefined;
  /** Whether that node has a daemon at this moment. */
  readonly hasDaemon: (node: string) => boolean;
  readonly metrics: Pick<OperatorMetrics, 'residue'>;
  readonly logger: Logger;
}

/** How often each node is looked at when nothing happens. Milliseconds. */
const EVERY_MS = 60_000;

/** How soon after something went wrong. Milliseconds. */
const RETRY_MS = 5000;

/** How long a daemon has to answer. */
const CALL_MS = 10_000;
const PARALLEL_CANCELS = 16;

/** The reconciler; keys are names of nodes. */
export function cleanReconciler(parts: KeepCleanParts): Reconciler {
  const { daemons, hasDaemon, metrics, logger } = parts;
  return async (node, signal) => {
    if (!hasDaemon(node)) return undefined;
    const limit = (): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(CALL_MS)]);
    try {
      const client = daemons.of(node);
      const { executions } = await client.listExecutions(
        { experimentId: '', includeEnded: false },
        { signal: limit() },
      );
      const orphans = await orphansOf(parts, executions, signal);
      await pMap(
        orphans,
        async ({ executionId, experimentId }) => {
          await client.cancelChaos({ executionId }, { signal: limit() });
          metrics.residue();
          logger.warn({ node, executionId, experiment: experimentId }, 'cancelled: its experiment is gone');
        },
        { concurrency: PARALLEL_CANCELS, stopOnError: false },
      );
      return { requeueAfterMs: EVERY_MS };
    } catch (error) {
      signal.throwIfAborted();
      logger.info({ node, reason: reasonOf(error) }, 'not compared with its experiments');
      return { requeueAfterMs: RETRY_MS };
    }
  };
}

async function orphansOf(
  parts: KeepCleanParts,
  executions: readonly Execution[],
  signal: AbortSignal,
): Promise<Execution[]> {
  const { watchNamespace } = parts;
  const own = executions.filter((execution) => {
    const owner = ownerOf(execution);
    return owner !== undefined && (watchNamespace ?? owner.ref.namespace) === owner.ref.namespace;
  });
  const orphans: Execution[] = [];
  for (const [, ofOne] of Map.groupBy(own, ({ experimentId }) => experimentId)) {
    const [first] = ofOne;
    const owner = first === undefined ? undefined : ownerOf(first);
    if (owner !== undefined && !(await experimentAnswers(owner, parts, signal))) orphans.push(...ofOne);
  }
  return orphans;
}
