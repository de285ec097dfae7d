/** A workflow on this machine: what `run` and `explain` do with one. */
import type { ChaosExperiment, WorkflowState } from '@chaosplane/api';
import { graphOf, workflowVerdict } from '@chaosplane/lifecycle';
import { runProbes } from '@chaosplane/probes';
import { createInterface } from 'node:readline/promises';
import type { WorkflowDocument } from '../documents.ts';
import { createWorkflowProgress } from '../output/workflow.ts';
import { runExperiment } from '../standalone/run.ts';
import { runWorkflow } from '../standalone/workflow.ts';
import { exitCodeOfWorkflow } from '../workflow/end.ts';
import { explainWorkflow } from '../workflow/explain.ts';
import { plan, type Machine, type RunFlags } from './machine.ts';

/** Runs it, or tells what it would do; resolves with its exit code. */
export function runWorkflowHere(document: WorkflowDocument, flags: RunFlags, machine: Machine): Promise<number> {
  if (flags.dryRun !== true) return run(document, flags, machine);
  return explainWorkflow(document, {
    ...{ output: flags.output, place: 'machine', surroundings: machine.surroundings },
    plan: ({ experiment }) => plan(experiment, flags, machine),
  });
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
    return exitCodeOfWorkflow(ended.state, ended.experiments.values());
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
