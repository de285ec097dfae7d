/** A workflow of a cluster in words: its graph, with the state and the time of each step. */
import { parseWorkflow, type WorkflowObject, type WorkflowState } from '@chaosplane/api';
import { graphOf, workflowLines, type Graph } from '@chaosplane/lifecycle';
import { roughly, table } from './table.ts';

/** The graph of a workflow; undefined when we do not understand it. */
export function graphOfObject({ apiVersion, kind, metadata, spec }: WorkflowObject): Graph | undefined {
  try {
    const parsed = parseWorkflow({ apiVersion, kind, metadata, spec }, 'cluster').spec;
    return graphOf(parsed.steps, parsed.onExit);
  } catch {
    return undefined;
  }
}

/** Everything of one. */
export function describeWorkflow(object: WorkflowObject, state: WorkflowState, now: number): string {
  const { metadata, status } = object;
  const graph = graphOfObject(object);
  const fields: [string, string][] = [
    ['workflow', `${metadata.namespace ?? ''}/${metadata.name}`],
    ['phase', status?.phase ?? ''],
    ['verdict', status?.verdict ?? ''],
    ['steps', status?.progress ?? ''],
    ['created', metadata.creationTimestamp ?? ''],
    ['started', status?.startedAt ?? ''],
    ['ended', status?.endedAt ?? ''],
    ['message', status?.message ?? ''],
  ];
  const shown = fields.filter(([, value]) => value !== '').map(([key, value]) => `${key.padEnd(11)} ${value}`);
  const isKnown = graph !== undefined && (state.nodes.size > 0 || (status?.counts?.begun ?? 0) === 0);
  const steps = isKnown ? workflowLines(graph, state, now) : (status?.steps ?? []).map((line) => `  ${line}`);
  return [...shown, ...steps].join('\n');
}

/** A line for each. */
export function workflowTable(objects: readonly WorkflowObject[], now: number): string {
  const rows = objects.map(({ metadata, status }) => [
    metadata.namespace ?? '',
    metadata.name,
    ...[status?.phase ?? '', status?.verdict ?? '', status?.progress ?? ''],
    roughly(now - Date.parse(metadata.creationTimestamp ?? '')),
  ]);
  return table(['NAMESPACE', 'WORKFLOW', 'PHASE', 'VERDICT', 'STEPS', 'AGE'], rows);
}
