/** Before the chart goes: nothing begins any more; every workflow and experiment is ended and recovered, within a time; then what hooks have made is removed, and the definitions where that is wanted. */
import { formatDuration, type Clock, type Logger } from '@chaosplane/common';
import {
  isFinal,
  ABORT_ANNOTATION,
  CAPABILITIES_ANNOTATION,
  allKinds,
  chaosExperiments,
  chaosSchedules,
  chaosWorkflows,
  FINALIZER,
  STEP_FINALIZER,
  type ExperimentObject,
  type WorkflowObject,
} from '@chaosplane/api';
import { experimentRuns, haltCluster, requestAbort, workflowRuns, type Runs } from '@chaosplane/client';
import {
  clusterRoles,
  isNotFound,
  nodes,
  refOf,
  removeFinalizer,
  type KubeClient,
  type KubeObject,
  type ResourceType,
} from '@chaosplane/kube';
import { removeCertificates } from './certificates/index.ts';
import { removeDefinitions } from './definitions/index.ts';
import { FIELD_MANAGER } from './field-manager.ts';
import { changeNode } from './nodes/change.ts';
import { holds } from './nodes/holds.ts';

/** What is removed, and how long it may take. */
export interface UninstallOptions {
  readonly namespace: string;
  readonly timeoutMs: number;
  /** The operator's ClusterRole: the kill switch goes with it, after the operator. */
  readonly roleName: string;
  /** Others made the certificates, and would make them again. */
  readonly keepCertificates?: boolean;
  /** Whether the resource definitions go as well when all has recovered, and with them every object of their kinds. */
  readonly removeDefinitions?: boolean;
}

/** What an uninstallation works with. */
export interface UninstallParts {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The policy that lets nothing begin. Another name than that of `chaosplane recover`, which a user turns off. */
export const UNINSTALL_POLICY = 'chaosplane-uninstall';

const LOOK_AGAIN_MS = 1000;
/** How long it is waited for the definitions to be gone; the API server goes on without the wait. */
const DEFINITIONS_GONE_MS = 30_000;

/** So many are named in a line. */
const NAMED = 20;

/** The names of the Secrets do not depend on these. */
const names = {
  clusterDomain: 'cluster.local',
  daemonService: 'chaosplane-daemon',
  operatorName: 'chaosplane-operator',
};

/**
 * Sets the kill switch and suspends every schedule, so that nothing begins any more, aborts every workflow and experiment of the cluster
 * and waits until all are over. When the time is up, the operator is taken for dead: they are let go of and named, and their faults end
 * on the nodes when the operator's lease lapses. Cordons and taints have no end of their own, so those that are left are taken away here.
 * The kill switch stays until the operator is gone.
 */
export async function uninstall(options: UninstallOptions, parts: UninstallParts, signal: AbortSignal): Promise<void> {
  const { client, clock, logger } = parts;
  const deadline = clock.monotonic() + options.timeoutMs;
  await halt(options, parts, signal);
  await suspendSchedules(client, logger, signal);
  let isClean = true;
  let said = '';
  for (;;) {
    // Workflows first: they make experiments. What onExit makes is aborted as well.
    const flows = (await all(client, chaosWorkflows, signal)).filter(isOpenWorkflow);
    const open = (await all(client, chaosExperiments, signal)).filter(isOpen);
    if (open.length + flows.length === 0) {
      logger.info({ within: formatDuration(options.timeoutMs) }, 'everything has recovered');
      break;
    }
    const left = { experiments: named(open), workflows: named(flows) };
    if (clock.monotonic() > deadline) {
      isClean = false;
      logger.warn(left, 'not all has ended in time, letting go of what is left');
      for (const object of flows) await removeFinalizer(client, chaosWorkflows, object, FINALIZER, signal);
      for (const object of open) await letGo(client, object, signal);
      break;
    }
    for (const object of flows) await abort(client, workflowRuns, object, signal);
    for (const object of open) await abort(client, experimentRuns, object, signal);
    const now = JSON.stringify(left);
    if (now !== said) logger.info(left, 'waiting for what runs to end');
    said = now;
    await clock.sleep(LOOK_AGAIN_MS, signal);
  }
  await cleanNodes(client, logger, signal);
  if (options.keepCertificates !== true)
    await removeCertificates({ client, clock, logger, signal }, { ...options, ...names });
  if (options.removeDefinitions !== true) return;
  if (!isClean)
    logger.warn('the resource definitions stay: the experiments that were let go of are the record of what is left');
  else await removeDefinitions(allKinds, { client, clock, logger, signal }, { timeoutMs: DEFINITIONS_GONE_MS });
}

/** Nothing begins from here on. A cluster without the kind of policies begins nothing anyway. */
async function halt(
  { roleName }: UninstallOptions,
  { client, logger }: UninstallParts,
  signal: AbortSignal,
): Promise<void> {
  const role = await client.get(clusterRoles, { name: roleName }, { signal });
  if (role === undefined) {
    logger.warn({ role: roleName }, 'no kill switch: there is no role with which it would go again');
    return;
  }
  try {
    await haltCluster(client, { name: UNINSTALL_POLICY, owner: role, fieldManager: FIELD_MANAGER, signal });
    logger.info({ policy: UNINSTALL_POLICY }, 'the kill switch is on');
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** `shop/slow-web (Recovering)` of each, as far as a line has room. */
function named(objects: readonly (ExperimentObject | WorkflowObject)[]): readonly string[] {
  const words = objects.map(({ metadata: { namespace = '', name }, status }) => {
    const phase = status?.phase ?? 'Pending';
    return `${namespace}/${name} (${phase})`;
  });
  return words.length > NAMED ? [...words.slice(0, NAMED), `and ${words.length - NAMED} more`] : words;
}

/** What experiments have left on nodes. */
async function cleanNodes(client: KubeClient, logger: Logger, signal: AbortSignal): Promise<void> {
  for (const found of (await client.list(nodes, { signal })).items) {
    const { name, uid = '' } = found.metadata;
    if (found.metadata.annotations?.[CAPABILITIES_ANNOTATION] !== undefined) {
      const body = { metadata: { annotations: { [CAPABILITIES_ANNOTATION]: null } } };
      await whileThere(client.patch(nodes, { name }, { kind: 'merge', body }, { signal }));
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
    await whileThere(client.patch(chaosSchedules, refOf({ metadata }), { kind: 'merge', body }, { signal }));
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
    if (isNotFound(error)) return [];
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
  await whileThere(requestAbort(client, runs, refOf(object), signal));
}

/** What goes after it was listed needs nothing more. */
async function whileThere(change: Promise<unknown>): Promise<void> {
  try {
    await change;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
