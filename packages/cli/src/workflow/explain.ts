/** What a workflow would do: its graph, and what each experiment of it would do. */
import { initialWorkflow } from '@chaosplane/api';
import { countOf } from '@chaosplane/common';
import { graphOf, workflowLines } from '@chaosplane/lifecycle';
import type { ExperimentDocument, WorkflowDocument } from '../documents.ts';
import type { Surroundings } from '../commands/options.ts';
import { worstOf } from '../output/verdict.ts';
import { experimentOfStep } from './step.ts';

/** How it is told, and what tells of one experiment; that resolves with its exit code. */
export interface ExplainParts {
  readonly output: 'text' | 'json';
  readonly place: 'cluster' | 'machine';
  readonly surroundings: Pick<Surroundings, 'out' | 'clock' | 'interrupted'>;
  plan(experiment: ExperimentDocument): Promise<number>;
}

/** Resolves with the exit code: the worst of its experiments. */
export async function explainWorkflow(
  { workflow }: WorkflowDocument,
  { output, place, surroundings: { out, clock, interrupted }, plan }: ExplainParts,
): Promise<number> {
  const { steps, onExit, maxParallelism } = workflow.spec;
  const graph = graphOf(steps, onExit);
  const { name } = workflow.metadata;
  const lines = workflowLines(graph, initialWorkflow, clock.now());
  const at = new Date(clock.now()).toISOString();
  const head = `Workflow ${name}: ${countOf(graph.nodes.size, 'step')}, at most ${maxParallelism} experiments at a time`;
  const json = { type: 'workflow', at, workflow: name, steps: [...graph.nodes.keys()] };
  out.write(output === 'json' ? `${JSON.stringify(json)}\n` : `${head}\n${lines.join('\n')}\n`);
  const codes: number[] = [];
  for (const { id, step } of graph.nodes.values()) {
    if (step.kind !== 'experiment' || interrupted.aborted) continue;
    if (output === 'text') out.write(`\nStep ${id}\n`);
    codes.push(await plan(experimentOfStep(workflow, id, step.document, place)));
  }
  return worstOf(codes);
}
