/** An operator that is killed at a step of a schedule: the next one goes on, and each run begins once. */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import pMap from 'p-map';
import { createLogger, systemClock } from '@chaosplane/common';
import { chaosExperiments, chaosWorkflows, scheduleUidOf, type ScheduleObject } from '@chaosplane/api';
import { createInformer, type KubeObject, type ResourceType } from '@chaosplane/kube';
import { eventually } from '@chaosplane/testkit/eventually';
import { doomed, type CrashPoint } from './doomed.ts';
import { applySchedule, experiment, instantOf, often, untilSchedule } from './schedules.ts';
import { openApiServerFixture, type ApiServerFixture, type Stage } from './stage.ts';

jest.setTimeout(300_000);

let fixture: ApiServerFixture;

beforeAll(async () => {
  fixture = await openApiServerFixture();
}, 600_000);
afterAll(() => fixture.close(), 60_000);

const steps = [
  'before create ChaosExperiment #1',
  'after create ChaosExperiment #1',
  // Of a schedule that is new; then the first run is noted, and what becomes of it.
  ...[1, 2, 3].flatMap((count) => [`before apply ChaosSchedule #${count}`, `after apply ChaosSchedule #${count}`]),
  'before delete ChaosExperiment #1',
  'after delete ChaosExperiment #1',
  // Of a schedule of a workflow.
  ...['create', 'delete'].flatMap((verb) => [`before ${verb} ChaosWorkflow #1`, `after ${verb} ChaosWorkflow #1`]),
];

const workflow = { templates: [{ name: 'wait', delay: '100ms' }], steps: [{ name: 'wait', template: 'wait' }] };

/** Every run that the schedules of a namespace ever had: uids by name. */
async function watchRuns({ client, namespace }: Stage, signal: AbortSignal): Promise<ReadonlyMap<string, Set<string>>> {
  const seen = new Map<string, Set<string>>();
  const tools = { clock: systemClock, logger: createLogger({ level: 'silent' }) };
  const follow = async <T extends KubeObject>(type: ResourceType<T>): Promise<void> => {
    const informer = createInformer(client, type, { namespace }, tools);
    informer.onChange(({ object }) => {
      const { name, uid = '' } = object.metadata;
      if (scheduleUidOf(object) !== undefined) seen.set(name, (seen.get(name) ?? new Set()).add(uid));
    });
    await informer.start(signal);
  };
  await follow(chaosExperiments);
  await follow(chaosWorkflows);
  return seen;
}

/** The first three runs, when an operator dies at that step. */
async function play(stage: Stage, point: CrashPoint): Promise<object> {
  await stage.addPod('web', stage.nodes[0]!);
  const life = new AbortController();
  const seen = await watchRuns(stage, life.signal);
  const daemons = await stage.connect();
  const identity = 'operator-0';
  stage.startOperator({ identity, doomed: true, ...doomed({ client: stage.operatorClient, daemons }, point) });
  const runs = point.step?.includes('ChaosWorkflow')
    ? { workflow, experiment: undefined }
    : { experiment: { ...experiment, execution: { dryRun: true } } };
  const quick = { ...often, successfulHistoryLimit: 0, ...runs };
  const schedule = await applySchedule(stage, 'often', quick);
  await eventually('the operator died', async () => point.crashed || undefined, { withinMs: 60_000 });
  stage.startOperator({ identity });
  const isThird = ({ status }: ScheduleObject): boolean =>
    Date.parse(status?.lastScheduleTime ?? '') >= instantOf(schedule, 3);
  const { status } = await untilSchedule(stage, 'often', isThird, 90_000);
  life.abort();
  daemons.close();
  const names = [1, 2, 3].map((count) => `often-${instantOf(schedule, count) / 1000}`);
  return { runs: names.map((name) => seen.get(name)?.size ?? 0), skipped: status?.lastSkipped?.reason };
}

test('killed at any step around a run, it is followed by a new leader that begins each run once', async () => {
  const outcomes = await pMap(
    steps,
    async (step) => {
      const stage = await fixture.stage({ nodes: 1 });
      try {
        return { step, ...(await play(stage, { step, reached: [], crashed: false })) };
      } finally {
        await stage.close();
      }
    },
    { concurrency: 5 },
  );
  expect(outcomes).toEqual(steps.map((step) => ({ step, runs: [1, 1, 1], skipped: undefined })));
});
