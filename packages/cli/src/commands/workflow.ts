/** A workflow on this machine: what `run` and `explain` do with one. */
import {
  initialWorkflow,
  isFinal,
  type ChaosExperiment,
  type ExperimentStatus,
  type WorkflowState,
} from '@chaosplane/api';
import { graphOf, workflowLines, workflowVerdict } from '@chaosplane/lifecycle';
import { runProbes } from '@chaosplane/probes';
import { createInterface } from 'node:readline/promises';
import type { WorkflowDocument } from '../documents.ts';
import { exitCodeOf, exitCodes, worstOf } from '../output/verdict.ts';
import { createWorkflowProgress } from '../output/workflow.ts';
import { runExperiment } from '../standalone/run.ts';
import { experimentOf, runWorkflow, type EndedWorkflow } from '../standalone/workflow.ts';
import { plan, type Machine, type RunFlags } from './machine.ts';

/** Runs it, or tells what it would do; resolves with its exit code. */
export function runWorkflowHere(document: WorkflowDocument, flags: RunFlags, machine: Machine): Promise<number> {
  return (flags.dryRun === true ? explain : run)(document, flags, machine);
}

/** The graph, and what each experiment of it would do. */
async function explain({ workflow }: WorkflowDocument, flags: RunFlags, machine: Machine): Promise<number> {
  const { out, clock, interrupted } = machine.surroundings;
  const { steps, onExit, maxParallelism } = workflow.spec;
  const graph = graphOf(steps, onExit);
  const lines = workflowLines(graph, initialWorkflow, clock.now());
  const { name } = workflow.metadata;
  if (flags.output === 'json')
    out.write(
      `${JSON.stringify({ type: 'workflow', at: new Date(clock.now()).toISOString(), workflow: name, steps: [...graph.nodes.keys()] })}\n`,
    );
  else
    out.write(
      `Workflow ${name}: ${graph.nodes.size} steps, at most ${maxParallelism} experiments at a time\n${lines.join('\n')}\n`,
    );
  const codes: number[] = [];
  for (const { id, step } of graph.nodes.values()) {
    if (step.kind !== 'experiment' || interrupted.aborted) continue;
    if (flags.output === 'text') out.write(`\nStep ${id}\n`);
    codes.push(await plan(experimentOf(workflow, id, step.document), flags, machine));
  }
  return worstOf(codes);
}

async function run({ workflow }: WorkflowDocument, flags: RunFlags, machine: Machine): Promise<number> {
  const { connection, runtime, surroundings } = machine;
  const { clock, interrupted, out, stdin } = surroundings;
  const { steps, onExit } = workflow.spec;
  const graph = graphOf(steps, onExit);
  const progress = createWorkflowProgress({ name: workflow.metadata.name, graph, clock, out, format: flags.output });
  const say = (): void => progress.say('ending the workflow: what is in force recovers, then onExit is done …');
  interrupted.addEventListener('abort', say, { once: true });
  const { signal } = new AbortController();
  try {
    const ended = await runWorkflow({
      ...{ workflow, clock, abort: interrupted },
      run: (experiment: ChaosExperiment, abort: AbortSignal) =>
        runExperiment({ experiment, client: connection.client, runtime, clock, abort, onStatus: () => undefined }),
      async ask(probe) {
        // The author of the probes is on this machine, and could ask the same.
        const { outcome, message } = await runProbes([probe], { clock, signal, allowLocal: true });
        return { passed: outcome === 'pass', message };
      },
      resumed: (id) =>
        flags.resume === true ? Promise.resolve() : enter(id, { stdin, say: (line) => progress.say(line) }),
      onState: (state: WorkflowState) => progress.state(state),
    });
    progress.result(ended.state, workflowVerdict(graph, ended.state));
    return exitCodeOfWorkflow(ended);
  } finally {
    interrupted.removeEventListener('abort', say);
  }
}

/** Resolves when the user presses Enter; without a terminal, never. */
async function enter(
  id: string,
  { stdin, say }: { readonly stdin: NodeJS.ReadStream; readonly say: (line: string) => void },
): Promise<void> {
  if (!stdin.isTTY) {
    say(`${id} waits to be resumed: run it with --resume, or on a terminal`);
    return new Promise(() => undefined);
  }
  say(`${id} waits to be resumed: press Enter`);
  const lines = createInterface({ input: stdin });
  try {
    await lines.question('');
  } finally {
    lines.close();
  }
}

/** The worst of its experiments; one that has failed or was aborted was not run as it was meant. */
function exitCodeOfWorkflow({ state, experiments }: EndedWorkflow): number {
  const codes = [...experiments.values()].filter(isFinal).map((status: ExperimentStatus) => exitCodeOf(status));
  const own = { Completed: exitCodes.held, Failed: exitCodes.couldNotRun, Aborted: exitCodes.inconclusive };
  const phase = state.phase === 'Completed' || state.phase === 'Aborted' ? state.phase : 'Failed';
  return worstOf([...codes, own[phase]]);
}
