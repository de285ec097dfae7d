/** Workflows on one machine, with experiments that end as the test says. */
import { parseWorkflow, type ChaosExperiment, type ExperimentStatus, type Verdict } from '@chaosplane/api';
import { systemClock } from '@chaosplane/common';
import { expect, test } from '@jest/globals';
import { workflowLines } from '@chaosplane/lifecycle';
import { runWorkflow, type WorkflowParts } from './workflow.ts';

const experiment = {
  target: { labelSelector: { matchLabels: { app: 'web' } } },
  action: { type: 'network-delay', parameters: { latency: '100ms' } },
  duration: '1m',
};
const templates = [
  { name: 'slow', experiment },
  { name: 'short', delay: '1ms' },
  { name: 'ask', probe: { type: 'http', url: 'http://127.0.0.1:1/' } },
  { name: 'people', suspend: {} },
];

function workflowOf(spec: object) {
  const document = { apiVersion: 'chaos.chaosplane.io/v1alpha1', kind: 'ChaosWorkflow', metadata: { name: 'flow' } };
  return parseWorkflow({ ...document, spec: { templates, ...spec } }, 'machine');
}

function endedAs(phase: 'Completed' | 'Aborted', verdict: Verdict): ExperimentStatus {
  return { phase, verdict, targets: [], conditions: [], outcome: { phase, message: `it is ${phase}` } };
}

/** Plays it, and tells the order in which experiments began and ended. */
async function play(spec: object, parts: Partial<WorkflowParts> = {}) {
  const told: string[] = [];
  const ended = await runWorkflow({
    workflow: workflowOf(spec),
    clock: systemClock,
    abort: new AbortController().signal,
    async run({ metadata }: ChaosExperiment) {
      told.push(metadata.name);
      return endedAs('Completed', metadata.name.includes('bad') ? 'NotHeld' : 'Held');
    },
    ask: async () => ({ passed: true, message: 'it passed' }),
    resumed: async () => undefined,
    onState: () => undefined,
    ...parts,
  });
  return { told, ...ended };
}

test('steps are run in their order, by what earlier ones found, and those of the exit at the end', async () => {
  const { told, state, graph } = await play({
    steps: [
      { name: 'first', template: 'slow' },
      { name: 'wait', template: 'short', dependencies: ['first'] },
      { name: 'held', template: 'slow', dependencies: ['wait'], when: 'steps.first.verdict == "Held"' },
      { name: 'other', template: 'slow', dependencies: ['wait'], when: 'steps.first.verdict != "Held"' },
      { name: 'asked', template: 'ask', dependencies: ['held', 'other'] },
      { name: 'people', template: 'people', dependencies: ['asked'] },
    ],
    onExit: [{ name: 'last', template: 'slow' }],
  });
  expect(told).toEqual(['flow-first', 'flow-held', 'flow-onexit-last']);
  expect(state.phase).toBe('Completed');
  const lines = workflowLines(graph, state, systemClock.now()).map((line) => line.replaceAll(/ \d+(\.\d+)?m?s/g, ''));
  expect(lines).toEqual([
    '  ✓ first: network-delay for 1m — succeeded, Held: it is Completed',
    '  ✓ wait: waits, after first — succeeded',
    '  ✓ held: network-delay for 1m, after wait, when steps.first.verdict == "Held" — succeeded, Held: it is Completed',
    '  − other: network-delay for 1m, after wait, when steps.first.verdict != "Held" — skipped: when was false',
    '  ✓ asked: probe of http, after held, other — succeeded: it passed',
    '  ✓ people: waits to be resumed, after asked — succeeded: it was resumed',
    '  when everything else is over:',
    '    ✓ last: network-delay for 1m — succeeded, Held: it is Completed',
  ]);
});

test('a step whose hypothesis did not hold ends the workflow, and the experiments beside it', async () => {
  const aborted: string[] = [];
  const { state } = await play(
    {
      steps: [
        { name: 'bad', template: 'slow' },
        { name: 'long', template: 'slow' },
      ],
    },
    {
      run: ({ metadata }, abort) =>
        metadata.name === 'flow-bad'
          ? Promise.resolve(endedAs('Completed', 'NotHeld'))
          : new Promise((resolve) => {
              abort.addEventListener('abort', () => {
                aborted.push(metadata.name);
                resolve(endedAs('Aborted', 'Inconclusive'));
              });
            }),
    },
  );
  expect(aborted).toEqual(['flow-long']);
  expect([...state.nodes].map(([id, { phase }]) => [id, phase])).toEqual([
    ['bad', 'Failed'],
    ['long', 'Aborted'],
  ]);
  expect(state.phase).toBe('Failed');
});

test('an experiment that cannot be run is a failure with its reason; Ctrl-C ends what waits', async () => {
  const failed = await play(
    { steps: [{ name: 'a', template: 'slow', errorHandling: { strategy: 'continue' } }] },
    { run: () => Promise.reject(new Error('the daemon does not answer')) },
  );
  expect(failed.state.nodes.get('a')).toMatchObject({ phase: 'Failed', message: 'the daemon does not answer' });
  const controller = new AbortController();
  const aborted = await play(
    { steps: [{ name: 'people', template: 'people' }], onExit: [{ name: 'last', template: 'slow' }] },
    {
      abort: controller.signal,
      resumed: () => {
        queueMicrotask(() => controller.abort());
        return new Promise(() => undefined);
      },
    },
  );
  expect(aborted.state).toMatchObject({ phase: 'Aborted', outcome: { message: 'it was aborted' } });
  expect(aborted.told).toEqual(['flow-onexit-last']);
});
