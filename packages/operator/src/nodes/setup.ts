/** Sets up what the operator does for all nodes: none has a cordon or a taint of an experiment that is gone. */
import { createWorkQueue, type Component } from '@chaosplane/kube';
import { queueComponent, type TermParts } from '../term.ts';
import { isHeld, nodeReconciler } from './keep-clean.ts';

/** How long after a deletion each node is looked at again: a change that was under way may arrive later. Milliseconds. */
const AGAIN_MS = 3000;

/** The search for holds that have lost their experiment; keys are names of nodes. */
export function setupNodes({ client, caches, config, metrics, clock, logger }: TermParts): readonly Component[] {
  const { experiments, nodes } = caches;
  const { watchNamespace } = config;
  const reconcile = nodeReconciler({ client, nodes, experiments, watchNamespace, metrics, logger });
  const queue = createWorkQueue(
    { name: 'nodes', concurrency: 4, reconcile, observer: metrics.queues.of('nodes') },
    { clock, logger },
  );
  experiments.onChange(({ type }) => {
    if (type !== 'deleted') return;
    for (const node of nodes.list()) if (isHeld(node)) queue.addAfter(node.metadata.name, AGAIN_MS);
  });
  nodes.onChange(({ type, object, previous }) => {
    const isNew = type === 'added' || (previous !== undefined && !isHeld(previous));
    if (isNew && isHeld(object)) queue.addAfter(object.metadata.name, AGAIN_MS);
  });
  return [queueComponent('nodes', queue)];
}
