/** What is told of a workflow that runs. */
import { PassThrough } from 'node:stream';
import { initialWorkflow, parseWorkflow, type WorkflowState } from '@chaosplane/api';
import { expect, test } from '@jest/globals';
import { graphOf } from '@chaosplane/lifecycle';
import { manualClock } from '@chaosplane/testkit/clocks';
import { createWorkflowProgress } from './workflow.ts';

const document = { apiVersion: 'chaos.chaosplane.io/v1alpha1', kind: 'ChaosWorkflow', metadata: { name: 'flow' } };
const templates = [{ name: 'short', delay: '1ms' }];
const { spec } = parseWorkflow(
  { ...document, spec: { templates, steps: [{ name: 'one', template: 'short' }] } },
  'cluster',
);
const running: WorkflowState = { ...initialWorkflow, phase: 'Running' };
const over: WorkflowState = { ...initialWorkflow, phase: 'Completed' };

test('the result is the last that is told, also when a state of before comes later', () => {
  const out = new PassThrough();
  const progress = createWorkflowProgress({
    ...{ name: 'flow', graph: graphOf(spec.steps, spec.onExit), clock: manualClock(), format: 'json' },
    out: out as unknown as NodeJS.WriteStream,
  });
  progress.state(running);
  progress.result(over, undefined);
  progress.state(running);
  progress.state({ ...running, phase: 'Ending' });
  progress.say('one waits to be resumed');
  const lines = String(out.read()).trimEnd().split('\n');
  const told = lines.map((line) => JSON.parse(line) as { readonly type: string; readonly phase: string });
  expect(told.map(({ type, phase }) => [type, phase])).toEqual([
    ['phase', 'Running'],
    ['result', 'Completed'],
  ]);
});
