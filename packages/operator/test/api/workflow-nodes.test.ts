/** What the operator carries out itself, as steps of a workflow, with the rights of the chart and no others. */
import { expect, jest, test } from '@jest/globals';
import { chaosWorkflows } from '@chaosplane/api';
import { eventually } from '@chaosplane/testkit/eventually';
import { eachOnStage } from './each-on-stage.ts';
import { addWork, clean, viewOf } from './nodes-on-stage.ts';
import type { Stage } from './stage.ts';
import { applyWorkflow, isOver, stepsOf, untilWorkflow } from './workflows.ts';

jest.setTimeout(180_000);

let stage: Stage;

eachOnStage((next) => {
  stage = next;
});

test('a taint, a drain and the death of a pod are steps that end, one after the other', async () => {
  const [node, other] = stage.nodes;
  await addWork(stage, node!, 'drained');
  await addWork(stage, other!, 'killed');
  stage.startOperator();
  const onNode = { target: { kind: 'Node', names: [node!.name] }, duration: '1s' };
  const actions = {
    taint: { ...onNode, action: { type: 'node-taint', parameters: { key: 'example.com/k', effect: 'NoSchedule' } } },
    drain: { ...onNode, action: { type: 'node-drain', parameters: { force: true } } },
    kill: { target: { names: ['killed'] }, action: { type: 'pod-kill' }, duration: '1s' },
  };
  const names = Object.keys(actions);
  const workflow = await applyWorkflow(stage, 'nodes', {
    templates: Object.entries(actions).map(([name, experiment]) => ({ name, experiment })),
    steps: names.map((name, index) => ({ name, template: name, dependencies: names.slice(0, index).slice(-1) })),
  });
  const { status } = await untilWorkflow(stage, 'nodes', isOver);
  expect(status).toMatchObject({ phase: 'Completed', progress: '3/3', message: 'every step is over' });
  const steps = await stepsOf(stage, workflow);
  for (const name of names)
    expect(steps.get(name)).toMatchObject({ phase: 'Succeeded', message: expect.stringMatching(/verified on 1 of 1/) });
  expect(await viewOf(stage, node!)).toEqual(clean);
  // The rights are enough for the end, too.
  await stage.client.delete(chaosWorkflows, { namespace: stage.namespace, name: 'nodes' });
  const gone = async (): Promise<true | undefined> =>
    (await stage.client.get(chaosWorkflows, { namespace: stage.namespace, name: 'nodes' })) === undefined || undefined;
  await eventually('it is gone', gone);
});
