/** Schedules of workflows against a real API server: each run is a workflow, which is told, replaced and forgotten as an experiment is. */
import { expect, jest } from '@jest/globals';
import {
  chaosExperiments,
  chaosSchedules,
  chaosWorkflows,
  workflowOwnerOf,
  type ScheduleObject,
} from '@chaosplane/api';
import { KubeError, type KubeClient } from '@chaosplane/kube';
import { eventually } from '@chaosplane/testkit/eventually';
import { allTogether } from './all-together.ts';
import {
  applySchedule,
  changeSchedule,
  experiment,
  instantOf,
  often,
  runsOf,
  untilRuns,
  untilSchedule,
  untilWorkflows,
  workflowsOf,
} from './schedules.ts';
import { childrenOf } from './workflows.ts';

jest.setTimeout(200_000);

const { together } = allTogether('none');

/** Two steps, whose experiments take so long. */
const workflow = (duration: string) => ({
  parameters: [{ name: 'latency', type: 'duration' }],
  arguments: { latency: '150ms' },
  templates: [
    {
      ...{ name: 'slow', parameters: [{ name: 'latency', type: 'duration' }] },
      experiment: {
        ...{ ...experiment, duration },
        action: { type: 'network-delay', parameters: { latency: '${{ parameters.latency }}' } },
      },
    },
  ],
  steps: ['first', 'second'].map((name, index) => ({
    ...{ name, template: 'slow', arguments: { latency: '${{ parameters.latency }}' } },
    dependencies: index === 0 ? [] : ['first'],
  })),
});

const beganAfter =
  (schedule: ScheduleObject, count: number) =>
  ({ status }: ScheduleObject): boolean =>
    Date.parse(status?.lastScheduleTime ?? '') >= instantOf(schedule, count);

together('each run is a workflow of the schedule, and the newest are kept', async (stage) => {
  stage.startOperator();
  const clean = stage.print();
  const { schedule: every } = often;
  const spec = { schedule: every, successfulHistoryLimit: 1, workflow: workflow('1s') };
  const schedule = await applySchedule(stage, 'steps', spec);
  await untilSchedule(stage, 'steps', ({ status }) => status?.active?.[0]?.kind === 'ChaosWorkflow');
  const [first] = await untilWorkflows(stage, schedule, {
    count: 1,
    like: ({ status }) => status?.phase === 'Completed',
  });
  expect(first).toMatchObject({
    metadata: {
      name: expect.stringMatching(/^steps-\d+$/),
      ownerReferences: [{ kind: 'ChaosSchedule', name: 'steps', controller: true, blockOwnerDeletion: true }],
    },
    spec: { arguments: { latency: '150ms' } },
  });
  const made = [...(await childrenOf(stage, first!))];
  expect(made.map(([step, [one]]) => [step, one?.spec])).toEqual(
    ['first', 'second'].map((step) => [
      step,
      expect.objectContaining({ action: { type: 'network-delay', parameters: { latency: '150ms' } } }),
    ]),
  );
  await untilSchedule(stage, 'steps', beganAfter(schedule, 3), 90_000);
  await eventually('the oldest is gone with its experiments', async () => {
    const { items } = await stage.client.list(chaosExperiments, { namespace: stage.namespace });
    const names = (await workflowsOf(stage, schedule)).map(({ metadata }) => metadata.name);
    const isLeft = items.some((object) => workflowOwnerOf(object)?.uid === first?.metadata.uid);
    return (!isLeft && !names.includes(first!.metadata.name) && names.length <= 2) || undefined;
  });
  // What is in force goes with the schedule.
  await changeSchedule(stage, 'steps', { workflow: workflow('10m') });
  await eventually('a fault is in force', async () => stage.print() !== clean || undefined, { withinMs: 40_000 });
  await stage.client.delete(chaosSchedules, { namespace: stage.namespace, name: 'steps' });
  const left = async (): Promise<number> => {
    const { client, namespace } = stage;
    const experiments = await client.list(chaosExperiments, { namespace });
    return experiments.items.length + (await client.list(chaosWorkflows, { namespace })).items.length;
  };
  await eventually('nothing is left', async () => (await left()) === 0 || undefined, { withinMs: 60_000 });
  expect(stage.print()).toBe(clean);
});

together('a schedule of an experiment becomes one of a workflow; Replace ends runs of either', async (stage) => {
  stage.startOperator();
  const long = { ...often, concurrencyPolicy: 'Replace', experiment: { ...experiment, duration: '10m' } };
  const schedule = await applySchedule(stage, 'hasty', long);
  await untilRuns(stage, schedule, { count: 1 });
  await changeSchedule(stage, 'hasty', { experiment: null, workflow: workflow('10m') });
  const [first] = await untilWorkflows(stage, schedule, { count: 1 });
  expect((await runsOf(stage, schedule)).map(({ status }) => status?.phase)).toEqual(['Aborted']);
  await untilWorkflows(stage, schedule, { count: 2 });
  const [ended, next] = await workflowsOf(stage, schedule);
  expect([ended?.metadata.name, ended?.status?.phase]).toEqual([first?.metadata.name, 'Aborted']);
  expect(next?.status?.phase).not.toBe('Aborted');
  const { status } = await untilSchedule(
    stage,
    'hasty',
    (object) => object.status?.counts?.failed === 2 && object.status.counts.active === 1,
  );
  expect(status?.active?.map(({ kind }) => kind)).toEqual(['ChaosWorkflow']);
});

together('the API server refuses one of neither, of both, and one without an end beside a freeze', async (stage) => {
  const { schedule } = often;
  const freeze = [{ from: '2026-12-24', to: '2026-12-26' }];
  const either = 'a schedule has either experiment or workflow';
  await expect(applySchedule(stage, 'none', { schedule })).rejects.toThrow(either);
  await expect(applySchedule(stage, 'both', { ...often, workflow: workflow('1s') })).rejects.toThrow(either);
  const endless = { schedule, freeze, workflow: workflow('1s') };
  await expect(applySchedule(stage, 'endless', endless)).rejects.toThrow('say workflow.deadline');
  const ended = { ...endless, workflow: { ...endless.workflow, deadline: '1h' } };
  await applySchedule(stage, 'ended', { ...ended, suspend: true });
});

/** A client of an API server that has no definition of workflows. */
function withoutWorkflows(client: KubeClient): KubeClient {
  const isKnown = (kind: string): boolean => !kind.startsWith('ChaosWorkflow');
  return {
    ...client,
    async list(type, ...rest) {
      if (!isKnown(type.kind)) throw new KubeError(404, 'NotFound', 'the server could not find the requested resource');
      return client.list(type, ...rest);
    },
    get: async (type, ...rest) => (isKnown(type.kind) ? client.get(type, ...rest) : undefined),
  };
}

together('an operator whose cluster knows no workflows yet keeps schedules of experiments', async (stage) => {
  const daemons = await stage.connect();
  stage.startOperator({ client: withoutWorkflows(stage.operatorClient), daemons });
  const schedule = await applySchedule(stage, 'often', { ...often, successfulHistoryLimit: 1 });
  await untilSchedule(stage, 'often', beganAfter(schedule, 3), 60_000);
  await eventually('the oldest are deleted', async () => (await runsOf(stage, schedule)).length <= 2 || undefined);
  daemons.close();
});
