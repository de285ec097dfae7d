/** A workflow on a cluster: what `run` and `explain` do with one. */
import {
  isWorkflowOver,
  RESUME_ANNOTATION,
  workflowStateFrom,
  type WorkflowObject,
  type WorkflowState,
} from '@chaosplane/api';
import { applyRun, followRun, stepExperimentsOf, workflowRuns, workflowStateOf } from '@chaosplane/client';
import { isForbidden } from '@chaosplane/kube';
import { graphOf, workflowVerdict, type Graph } from '@chaosplane/lifecycle';
import type { Surroundings } from '../commands/options.ts';
import type { WorkflowDocument } from '../documents.ts';
import { tellExplained } from '../output/explanation.ts';
import { exitCodeOf } from '../output/verdict.ts';
import { createWorkflowProgress, type WorkflowProgress } from '../output/workflow.ts';
import { exitCodeOfWorkflow } from '../workflow/end.ts';
import { explainWorkflow } from '../workflow/explain.ts';
import { FIELD_MANAGER, type Connection } from './connect.ts';
import { explainOnCluster } from './explain.ts';
import { endWhenInterrupted } from './waiting.ts';

/** Flags that mean something for a workflow. */
export interface WorkflowFlags {
  readonly output: 'text' | 'json';
  readonly dryRun?: boolean;
  readonly resume?: boolean;
}

/** Runs it, or tells what it would do; resolves with its exit code. */
export function runWorkflowOnCluster(
  one: WorkflowDocument,
  flags: WorkflowFlags,
  connection: Connection,
  surroundings: Surroundings,
): Promise<number> {
  if (flags.dryRun !== true) return run(one, flags, connection, surroundings);
  const { output } = flags;
  return explainWorkflow(one, {
    ...{ output, surroundings, place: 'cluster' },
    plan: async (experiment) =>
      exitCodeOf(tellExplained(await explainOnCluster(experiment, connection, surroundings), flags, surroundings)),
  });
}

async function run(
  { document, workflow }: WorkflowDocument,
  { output, resume }: WorkflowFlags,
  { client }: Connection,
  surroundings: Surroundings,
): Promise<number> {
  const { clock, out, interrupted } = surroundings;
  const { metadata, spec } = workflow;
  const graph = graphOf(spec.steps, spec.onExit);
  const progress = createWorkflowProgress({ name: metadata.name, graph, clock, out, format: output });
  const say = (line: string): void => progress.say(line);
  const wanted = resume === true ? resumed(document, graph) : document;
  const about = { metadata, document: wanted, fieldManager: FIELD_MANAGER };
  const applied = await applyRun(workflowRuns, { client, clock, ...about, signal: interrupted, say });
  const sentence = 'ending the workflow: what is in force recovers, then onExit is done …';
  using ending = endWhenInterrupted(workflowRuns, applied, { sentence, say, surroundings });
  const { leave, onAsked } = ending;
  const show = showing(client, graph, progress);
  const onChange = (object: WorkflowObject): void => {
    ending.set(object);
    void show(object);
  };
  const following = { client, clock, abort: interrupted, onAsked, leave, onChange, say };
  const ended = await followRun(workflowRuns, following, applied);
  const state = await stepsKnown(client, ended);
  progress.result(state, workflowVerdict(graph, state) ?? ended.status?.verdict);
  const experiments = await stepExperimentsOf(client, ended);
  return exitCodeOfWorkflow(state, experiments.values());
}

/** Shows each state, one read after the other; states in between are left out. */
function showing(client: Connection['client'], graph: Graph, progress: WorkflowProgress) {
  let latest: WorkflowObject | undefined;
  let isReading = false;
  const told = new Set<string>();
  return async (object: WorkflowObject): Promise<void> => {
    latest = object;
    if (isReading) return;
    isReading = true;
    while (latest !== undefined) {
      const next: WorkflowObject = latest;
      latest = undefined;
      const state = await stepsKnown(client, next).catch(() => undefined);
      // The end is told by the result.
      if (state === undefined || isWorkflowOver(state)) continue;
      progress.state(state);
      for (const id of waiting(graph, state).filter((one) => !told.has(one))) {
        told.add(id);
        const { name, namespace = '' } = object.metadata;
        progress.say(`${id} waits to be resumed: chaosplane resume ${name} ${id} -n ${namespace}`);
      }
    }
    isReading = false;
  };
}

/** The steps that wait to be resumed. */
export function waiting({ nodes }: Graph, { nodes: states }: Pick<WorkflowState, 'nodes'>): readonly string[] {
  return [...nodes.values()]
    .filter(({ id, step }) => step.kind === 'suspend' && states.get(id)?.phase === 'Running')
    .map(({ id }) => id);
}

/** The state, with the steps as far as the user may read them. */
export async function stepsKnown(client: Connection['client'], object: WorkflowObject): Promise<WorkflowState> {
  try {
    return await workflowStateOf(client, object);
  } catch (error) {
    if (!isForbidden(error)) throw error;
    return workflowStateFrom(object.status, []);
  }
}

/** The same document, whose steps do not wait to be resumed. */
function resumed(document: object, { nodes }: Graph): object {
  const ids = [...nodes.values()].filter(({ step }) => step.kind === 'suspend').map(({ id }) => id);
  if (ids.length === 0) return document;
  const { metadata = {} } = document as { readonly metadata?: { readonly annotations?: object } };
  const annotations = { ...metadata.annotations, [RESUME_ANNOTATION]: ids.join(',') };
  return { ...document, metadata: { ...metadata, annotations } };
}
