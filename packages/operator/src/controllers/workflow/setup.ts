/** Sets the controller of ChaosWorkflows up: its queue, and what brings a key into it. */
import { isDeepStrictEqual } from 'node:util';
import {
  resumedSteps,
  whyAbort,
  WORKFLOW_ATTEMPT_ANNOTATION,
  WORKFLOW_STEP_ANNOTATION,
  workflowOwnerOf,
  type ExperimentObject,
  type WorkflowObject,
} from '@chaosplane/api';
import { createWorkQueue, keyOf, refOfKey, type Component } from '@chaosplane/kube';
import { queueComponent, type TermParts } from '../../term.ts';
import { foreseenWorkflow } from '../policy/foresee.ts';
import type { LeaderView } from '../policy/outlook.ts';
import { builtInPolicies } from '../policy/setup.ts';
import { isOver } from './children.ts';
import { workflowReconciler } from './controller.ts';

/** A visit writes a few small objects: few workers are enough for many workflows. Some are kept for what is to end. */
const WORKERS = 8;
const RESERVED = 2;

/** An operator that was upgraded before its resource definitions has no workflows, and does the rest. Milliseconds. */
const PATIENCE_MS = 10_000;

export function setupWorkflows(term: TermParts, leader: LeaderView): readonly Component[] {
  const { client, caches, config, events, clock, logger, metrics } = term;
  const { workflows, experiments } = caches;
  experiments.addIndex(BY_WORKFLOW, (object) => [workflowOwnerOf(object)?.uid ?? ''].filter(Boolean));
  experiments.addIndex(BY_WORKFLOW_KEY, (object) => [ownerKeyOf(object) ?? ''].filter(Boolean));
  const reconcile = workflowReconciler(
    {
      ...{ client, events, clock, logger, allowLocalProbes: config.allowLocalProbes },
      childrenOf: (uid) => experiments.byIndex(BY_WORKFLOW, uid),
      wake: (key) => queue.add(key),
      foresee: (graph, maxParallelism, signal) =>
        foreseenWorkflow(graph, maxParallelism, { client, clock, leader, builtIn: builtInPolicies(config) }, signal),
    },
    {
      workflow: (key) => workflows.get(refOfKey(key)),
      ownersOf: (key) => [
        ...new Set(experiments.byIndex(BY_WORKFLOW_KEY, key).flatMap((one) => workflowOwnerOf(one)?.uid ?? [])),
      ],
    },
  );
  const queue = createWorkQueue(
    {
      name: 'workflows',
      reconcile,
      concurrency: WORKERS,
      groupOf: (key) => refOfKey(key).namespace ?? '',
      perGroup: WORKERS / 2,
      isUrgent: (key) => {
        const object = workflows.get(refOfKey(key));
        return object !== undefined && whyAbort(object) !== undefined;
      },
      reserved: RESERVED,
      observer: metrics.queues.of('workflows'),
    },
    { clock, logger },
  );
  workflows.onChange(({ type, object, previous }) => {
    if (type === 'deleted' || concerns(object, previous)) queue.add(keyOf(object.metadata));
  });
  experiments.onChange(({ type, object, previous }) => {
    const owner = ownerKeyOf(object) ?? (previous && ownerKeyOf(previous));
    if (owner !== undefined && (type !== 'updated' || previous === undefined || isNews(object, previous)))
      queue.add(owner);
  });
  const cache: Component = {
    name: `cache of ${workflows.name}`,
    start: async (signal) => Promise.race([workflows.start(signal), clock.sleep(PATIENCE_MS, signal)]),
  };
  return [queueComponent('workflows', queue), cache];
}

/** Experiments by the uid of their workflow, and by its key. */
const BY_WORKFLOW = 'workflow';
const BY_WORKFLOW_KEY = 'workflow key';

/** Our own writes are no news. */
function concerns(object: WorkflowObject, previous: WorkflowObject | undefined): boolean {
  if (previous === undefined || previous.metadata.uid !== object.metadata.uid) return true;
  const isMore = [...resumedSteps(object)].some((id) => !resumedSteps(previous).has(id));
  return (
    isMore || previous.metadata.generation !== object.metadata.generation || whyAbort(previous) !== whyAbort(object)
  );
}

/** The workflow that an experiment names as its owner; the visit finds out whether it is. */
function ownerKeyOf(object: ExperimentObject): string | undefined {
  const owner = workflowOwnerOf(object);
  return owner === undefined ? undefined : keyOf({ name: owner.name, namespace: object.metadata.namespace ?? '' });
}

/** It is over, it was deleted, or a person has changed what says whose it is. */
function isNews(object: ExperimentObject, previous: ExperimentObject): boolean {
  const gist = (one: ExperimentObject): readonly unknown[] => {
    const { deletionTimestamp, annotations } = one.metadata;
    const told = [WORKFLOW_STEP_ANNOTATION, WORKFLOW_ATTEMPT_ANNOTATION].map((name) => annotations?.[name]);
    return [isOver(one), deletionTimestamp !== undefined, workflowOwnerOf(one)?.uid, ...told];
  };
  return !isDeepStrictEqual(gist(object), gist(previous));
}
