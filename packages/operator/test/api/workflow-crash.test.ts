/** An operator that is killed at a step of a workflow: the next one goes on, nothing happens twice, nothing is lost or left. */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import pMap from 'p-map';
import { chaosWorkflows, STEP_FINALIZER, type WorkflowObject } from '@chaosplane/api';
import { eventually } from '@chaosplane/testkit/eventually';
import { doomed, type CrashPoint } from './doomed.ts';
import { experiment } from './schedules.ts';
import { openApiServerFixture, type ApiServerFixture, type Stage } from './stage.ts';
import { applyWorkflow, childrenOf, hit, isOver, phasesOf, untilWorkflow } from './workflows.ts';

jest.setTimeout(1_800_000);

/** `npm run test:long -- workflow-crash` kills it at each of its steps, those of its experiments included. */
const ALL = process.env['CHAOSPLANE_TEST_EACH_STEP'] === '1';

let fixture: ApiServerFixture;

beforeAll(async () => {
  fixture = await openApiServerFixture();
}, 600_000);
afterAll(() => fixture.close(), 60_000);

const quick = { ...experiment, duration: '300ms' };
const templates = [
  { name: 'slow', experiment: quick },
  { name: 'none', experiment: { ...quick, target: { ...quick.target, names: ['none'] } } },
  { name: 'settle', delay: '50ms' },
  { name: 'ok', condition: 'steps.a.phase == "Succeeded"' },
  { name: 'pair', parallel: { steps: [hit('x'), hit('y')] } },
  { name: 'more', workflow: { steps: [hit('one'), { name: 'two', template: 'settle', dependencies: ['one'] }] } },
];

/** Twelve steps. */
const spec = {
  templates,
  steps: [
    hit('a'),
    { name: 'wait', template: 'settle', dependencies: ['a'] },
    { name: 'check', template: 'ok', dependencies: ['a'] },
    { name: 'both', template: 'pair', dependencies: ['wait', 'check'] },
    {
      ...{ name: 'again', template: 'none', dependencies: ['a'] },
      errorHandling: { strategy: 'continue' },
    },
    { name: 'inner', template: 'more', dependencies: ['both', 'again'] },
    hit('last', { dependencies: ['inner'], when: 'steps.again.phase == "Failed"' }),
  ],
  onExit: [hit('tidy')],
};

const end = {
  phase: 'Completed',
  steps: {
    ...{ a: 'Succeeded', wait: 'Succeeded', check: 'Succeeded', both: 'Succeeded', again: 'Failed' },
    ...{ 'both/x': 'Succeeded', 'both/y': 'Succeeded', inner: 'Succeeded' },
    ...{ 'inner/one': 'Succeeded', 'inner/two': 'Succeeded', last: 'Succeeded', 'onExit/tidy': 'Succeeded' },
  },
  // One for each step that is one, and one that has nothing to hit.
  experiments: { a: 1, again: 1, 'both/x': 1, 'both/y': 1, 'inner/one': 1, last: 1, 'onExit/tidy': 1 },
  // Each was carried out once: the journal of the node has an execution for each.
  executions: 6,
  held: [],
  clean: true,
};

const isLetGo = ({ metadata }: WorkflowObject): boolean => (metadata.finalizers ?? []).length === 0;

async function play(stage: Stage, point: CrashPoint): Promise<object> {
  const [node] = stage.nodes;
  await stage.addPod('web', node!);
  const before = stage.print();
  const daemons = await stage.connect();
  const identity = 'operator-0';
  stage.startOperator({ identity, doomed: true, ...doomed({ client: stage.operatorClient, daemons }, point) });
  await applyWorkflow(stage, 'flow', spec);
  const ends = async (): Promise<true | undefined> => {
    const object = await stage.client.get(chaosWorkflows, { namespace: stage.namespace, name: 'flow' });
    return point.crashed || (object !== undefined && isOver(object) && isLetGo(object)) || undefined;
  };
  await eventually('it ended or the operator died', ends, { withinMs: 120_000 });
  if (point.crashed) stage.startOperator({ identity });
  const over = await untilWorkflow(stage, 'flow', (object) => isOver(object) && isLetGo(object), 180_000);
  const children = await childrenOf(stage, over);
  const held = [...children.values()].flat().filter(({ metadata }) => metadata.finalizers?.includes(STEP_FINALIZER));
  daemons.close();
  return {
    phase: over.status?.phase,
    steps: await phasesOf(stage, over),
    experiments: Object.fromEntries([...children].map(([id, made]) => [id, made.length])),
    executions: new Set(node!.journal.writes.map(({ id }) => id)).size,
    held: held.map(({ metadata }) => metadata.name),
    clean: stage.print() === before,
  };
}

/** Where the workflow itself is written or acts: the steps of experiments have a test of their own. */
const isOwn = (step: string): boolean => /Workflow|create ChaosExperiment /.test(step);

/** The first of each kind, and some of the others. */
function chosen(reached: readonly string[]): readonly string[] {
  if (ALL) return reached;
  return reached.filter(isOwn).filter((step, index) => step.endsWith('#1') || index % 8 === 0);
}

test('killed at a step, it is followed by a new leader that does the rest, once', async () => {
  const whole: CrashPoint = { reached: [], crashed: false };
  const calm = await fixture.stage({ nodes: 1 });
  expect(await play(calm, whole)).toEqual(end);
  await calm.close();
  const steps = chosen(whole.reached);
  expect(steps.length).toBeGreaterThan(15);
  const outcomes = await pMap(
    steps,
    async (step) => {
      const stage = await fixture.stage({ nodes: 1 });
      try {
        const point: CrashPoint = { step, reached: [], crashed: false };
        return { step, died: point, outcome: await play(stage, point).catch((error: unknown) => String(error)) };
      } finally {
        await stage.close();
      }
    },
    { concurrency: 8 },
  );
  // How often a step comes again depends a little on the time; that each comes does not.
  for (const { step, died, outcome } of outcomes)
    expect({ step, died: died.crashed || !step.endsWith('#1'), outcome }).toEqual({ step, died: true, outcome: end });
});
