/** Before the chart goes: schedules are suspended; every workflow and experiment is ended and recovered, within a time; then what hooks have made is removed. */
import { ChaosError, formatDuration, type Clock, type Logger } from '@chaosplane/common';
import {
  isFinal,
  ABORT_ANNOTATION,
  CAPABILITIES_ANNOTATION,
  chaosExperiments,
  chaosSchedules,
  chaosWorkflows,
  FINALIZER,
  STEP_FINALIZER,
  type ExperimentObject,
  type WorkflowObject,
} from '@chaosplane/api';
import { experimentRuns, requestAbort, workflowRuns, type Runs } from '@chaosplane/client';
import {
  KubeError,
  leases,
  nodes,
  refOf,
  removeFinalizer,
  type KubeClient,
  type KubeObject,
  type ResourceType,
} from '@chaosplane/kube';
import { removeCertificates } from './certificates/index.ts';
import { changeNode } from './nodes/change.ts';
import { holds } from './nodes/holds.ts';

/** What is removed, and how long it may take. */
export interface UninstallOptions {
  readonly namespace: string;
  readonly timeoutMs: number;
  /** Of the election; no release of the chart owns it. */
  readonly leaseName: string;
}

const LOOK_AGAIN_MS = 1000;

/** The names of the Secrets do not depend on these. */
const names = {
  clusterDomain: 'cluster.local',
  daemonService: 'chaosplane-daemon',
  operatorName: 'chaosplane-operator',
};

/**
 * Suspends every schedule, so that nothing begins any more, aborts every workflow and experiment of the cluster and waits until all
 * are over. When the time is up, the operator is taken for dead: they are let go of, and their faults end on the nodes when the
 * operator's lease lapses. Cordons and taints have no end of
 * their own, so those that are left are taken away here.
 */
export async function uninstall(
  options: UninstallOptions,
  { client, clock, logger }: { readonly client: KubeClient; readonly clock: Clock; readonly logger: Logger },
  signal: AbortSignal,
): Promise<void> {
  const deadline = clock.monotonic() + options.timeoutMs;
  await suspendSchedules(client, logger, signal);
  for (;;) {
    // Workflows first: they make experiments. What onExit makes is aborted as well.
    const flows = (await all(client, chaosWorkflows, signal)).filter(isOpenWorkflow);
    const open = (await all(client, chaosExperiments, signal)).filter(isOpen);
    if (open.length + flows.length === 0) {
      logger.info({ within: formatDuration(options.timeoutMs) }, 'everything has recovered');
      break;
    }
    const left = { experiments: open.length, workflows: flows.length };
    if (clock.monotonic() > deadline) {
      logger.warn(left, 'not all has ended in time, letting go of it');
      for (const object of flows) await removeFinalizer(client, chaosWorkflows, object, FINALIZER, signal);
      for (const object of open) await letGo(client, object, signal);
      break;
    }
    for (const object of flows) await abort(client, workflowRuns, object, signal);
    for (const object of open) await abort(client, experimentRuns, object, signal);
    logger.info(left, 'waiting for what runs to end');
    await clock.sleep(LOOK_AGAIN_MS, signal);
  }
  await cleanNodes(client, logger, signal);
  const { namespace } = options;
  await removeCertificates({ client, clock, logger, signal }, { ...options, ...names });
  await client.delete(leases, { namespace, name: options.leaseName }, { signal });
}

/** What experiments have left on nodes. */
async function cleanNodes(client: KubeClient, logger: Logger, signal: AbortSignal): Promise<void> {
  for (const found of (await client.list(nodes, { signal })).items) {
    const { name, uid = '' } = found.metadata;
    if (found.metadata.annotations?.[CAPABILITIES_ANNOTATION] !== undefined) {
      const body = { metadata: { annotations: { [CAPABILITIES_ANNOTATION]: null } } };
      await client.patch(nodes, { name }, { kind: 'merge', body }, { signal });
    }
    for (const hold of holds)
      for (const experiment of hold.holders(found)) {
        await changeNode(client, { name, uid }, (node) => hold.without(node, experiment), signal);
        logger.warn({ node: name, experiment }, `its ${hold.word} was taken away`);
      }
  }
}

/** They stay suspended when the chart is installed again, until a user resumes them. */
async function suspendSchedules(client: KubeClient, logger: Logger, signal: AbortSignal): Promise<void> {
  for (const { metadata, spec } of await all(client, chaosSchedules, signal)) {
    if ((spec as { readonly suspend?: boolean }).suspend === true) continue;
    const body = { spec: { suspend: true } };
    await client.patch(chaosSchedules, refOf({ metadata }), { kind: 'merge', body }, { signal });
    logger.warn({ schedule: `${metadata.namespace}/${metadata.name}` }, 'schedule suspended');
  }
}

/** A cluster without our resources has none of them. */
async function all<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType<T>,
  signal: AbortSignal,
): Promise<readonly T[]> {
  try {
    return (await client.list(type, { signal })).items;
  } catch (error) {
    if (error instanceof ChaosError && error instanceof KubeError && error.status === 404) return [];
    throw error;
  }
}

/** Not over, or over with something that is left to its TTL, or that its workflow has not noted. */
function isOpen({ status, metadata: { finalizers = [] } }: ExperimentObject): boolean {
  const held = finalizers.includes(FINALIZER) || finalizers.includes(STEP_FINALIZER);
  return held || (status?.phase !== undefined && !isFinal({ phase: status.phase }));
}

/** Not over, or not let go of. One that no operator has looked at holds nothing. */
const isOpenWorkflow = ({ metadata }: WorkflowObject): boolean => metadata.finalizers?.includes(FINALIZER) === true;

async function letGo(client: KubeClient, object: ExperimentObject, signal: AbortSignal): Promise<void> {
  const left = await removeFinalizer(client, chaosExperiments, object, FINALIZER, signal);
  await removeFinalizer(client, chaosExperiments, left, STEP_FINALIZER, signal);
}

async function abort<T extends KubeObject>(
  client: KubeClient,
  runs: Runs<T>,
  object: T,
  signal: AbortSignal,
): Promise<void> {
  if (object.metadata.annotations?.[ABORT_ANNOTATION] === 'true') return;
  await requestAbort(client, runs, refOf(object), signal);
}
