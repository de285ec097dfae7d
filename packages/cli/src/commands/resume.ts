/** `chaosplane resume`: steps of a workflow of a cluster that wait go on. */
import { ChaosError } from '@chaosplane/common';
import { resumeSteps, workflowRuns, workflowStateOf } from '@chaosplane/client';
import type { Command } from 'commander';
import { addClusterOptions, connectCluster, tellPlace, type ClusterFlags } from '../cluster/connect.ts';
import { waiting } from '../cluster/workflow.ts';
import { graphOfObject } from '../output/workflow-report.ts';
import { exitCodes } from '../output/verdict.ts';
import type { Surroundings } from './options.ts';

export function addResume(program: Command, surroundings: Surroundings, done: (exitCode: number) => void): void {
  const { out, err, calledAs } = surroundings;
  addClusterOptions(
    program
      .command('resume <workflow> [step...]')
      .summary('let steps of a workflow of the cluster go on that wait to be resumed')
      .description(
        'Lets steps of a workflow of the cluster go on that wait to be resumed: those that are named, or all that wait.',
      ),
  )
    .addHelpText(
      'after',
      `\nA step that does not wait yet goes on as soon as it begins:\n  ${calledAs} resume release more/ask -n shop\n`,
    )
    .action(async (name: string, steps: string[], _flags: unknown, command: Command) => {
      const connection = connectCluster(command.optsWithGlobals<ClusterFlags>(), surroundings);
      tellPlace(err, connection);
      for (const id of await resume(name.replace(/^workflow\//, ''), steps, connection)) out.write(`${id}: resumed\n`);
      done(exitCodes.held);
    });
}

async function resume(
  name: string,
  steps: readonly string[],
  { client, namespace }: ReturnType<typeof connectCluster>,
): Promise<readonly string[]> {
  const object = await client.get(workflowRuns.type, { namespace, name });
  if (object === undefined)
    throw new ChaosError('NOT_FOUND', `there is no workflow ${name} in the namespace ${namespace}`);
  if (workflowRuns.isOver(object))
    throw new ChaosError('FAILED_PRECONDITION', `the workflow ${name} is over: ${object.status?.phase ?? ''}`);
  const graph = graphOfObject(object);
  if (graph === undefined) throw new ChaosError('FAILED_PRECONDITION', `the workflow ${name} is not valid`);
  const suspends = [...graph.nodes.values()].filter(({ step }) => step.kind === 'suspend').map(({ id }) => id);
  const wrong = steps.filter((id) => !suspends.includes(id));
  if (wrong.length > 0) {
    const allowed = suspends.join(', ') || 'none: it has no step that waits to be resumed';
    throw new ChaosError(
      'INVALID_ARGUMENT',
      `${wrong.join(', ')}: no such step waits to be resumed; allowed: ${allowed}`,
    );
  }
  const wanted = steps.length > 0 ? steps : waiting(graph, await workflowStateOf(client, object));
  if (wanted.length === 0)
    throw new ChaosError('FAILED_PRECONDITION', `no step of the workflow ${name} waits to be resumed at this moment`);
  await resumeSteps(client, object, wanted);
  return wanted;
}
