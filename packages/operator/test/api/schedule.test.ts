/** Schedules against a real API server: runs begin once, are told, replaced and forgotten, and go with their schedule. */
import { describe, expect, jest } from '@jest/globals';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chaosExperiments, chaosSchedules, type ScheduleObject } from '@chaosplane/api';
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
} from './schedules.ts';

jest.setTimeout(200_000);

const { fixture, together } = allTogether();

const phaseOf = (status: ScheduleObject['status'], type: string): string | undefined =>
  status?.conditions?.find((condition) => condition.type === type)?.status;

together('runs begin at their times, are owned by the schedule, and the newest are kept', async (stage) => {
  const clean = stage.print();
  const schedule = await applySchedule(stage, 'often', { ...often, successfulHistoryLimit: 1 });
  const [first] = await untilRuns(stage, schedule, { count: 1 });
  expect(first).toMatchObject({
    metadata: {
      name: `often-${instantOf(schedule, 1) / 1000}`,
      ownerReferences: [{ kind: 'ChaosSchedule', name: 'often', controller: true, blockOwnerDeletion: true }],
    },
    spec: { duration: '1s' },
  });
  await untilSchedule(stage, 'often', ({ status }) => status?.active?.length === 1);
  const { status } = await untilSchedule(
    stage,
    'often',
    (object) => Date.parse(object.status?.lastScheduleTime ?? '') >= instantOf(schedule, 3),
  );
  expect(status?.nextRuns?.map((at) => Date.parse(at))).toEqual(
    [4, 5, 6, 7, 8].map((count) => instantOf(schedule, count)),
  );
  expect(status?.conditions?.map((one) => [one.type, one.status])).toEqual([
    ['Ready', 'True'],
    ['Suspended', 'False'],
  ]);
  // The third is under way or has taken the place of the second.
  const names = (await runsOf(stage, schedule)).map(({ metadata }) => metadata.name);
  expect(names.length).toBeLessThanOrEqual(2);
  expect(names).not.toContain(first?.metadata.name);
  const columns = await fixture().cluster.kubectl(['get', 'chaosschedules', '-n', stage.namespace]);
  expect(columns.split('\n')[0]?.trim().split(/\s+/)).toEqual([
    'NAME',
    'SCHEDULE',
    'ZONE',
    'SUSPENDED',
    'LAST',
    'NEXT',
    'ACTIVE',
    'AGE',
  ]);
  // What is in force goes with the schedule: the garbage collector deletes its runs, and their finalizers recover them first.
  await changeSchedule(stage, 'often', { experiment: { duration: '10m' } });
  await untilRuns(stage, schedule, { count: 1, like: (run) => run.status?.counts?.injected === 1 });
  expect(stage.print()).not.toBe(clean);
  await stage.client.delete(chaosSchedules, { namespace: stage.namespace, name: 'often' });
  await eventually('no run is left', async () => (await runsOf(stage, schedule)).length === 0 || undefined, {
    withinMs: 60_000,
  });
  expect(stage.print()).toBe(clean);
});

together(
  'a spec that is wrong is told, all of it, and no run begins; a correction counts from then on',
  async (stage) => {
    const action = { ...experiment.action, parameters: { latency: 'soon' } };
    await applySchedule(stage, 'wrong', { schedule: '0 0 * * 7', experiment: { ...experiment, action } });
    const { status } = await untilSchedule(stage, 'wrong', (object) => phaseOf(object.status, 'Ready') === 'False');
    const ready = status?.conditions?.find(({ type }) => type === 'Ready');
    expect(ready?.message).toContain('spec.schedule: the day of the week "7" is above 6');
    expect(ready?.message).toContain('spec.experiment.action.parameters.latency: "soon" is not a duration');
    const schedule = await applySchedule(stage, 'wrong', often);
    await untilSchedule(stage, 'wrong', (object) => phaseOf(object.status, 'Ready') === 'True');
    await untilRuns(stage, schedule, { count: 1 });
  },
);

together('a name that another program has taken is skipped and told, and the next run begins', async (stage) => {
  const schedule = await applySchedule(stage, 'taken', { ...often, suspend: true });
  const { namespace } = stage;
  // One of them is the next when it is resumed.
  const taken = [1, 2, 3].map((count) => `taken-${instantOf(schedule, count) / 1000}`);
  for (const name of taken)
    await stage.client.create(chaosExperiments, {
      metadata: { namespace, name },
      spec: { ...experiment, execution: { dryRun: true } },
    });
  await changeSchedule(stage, 'taken', { suspend: false });
  const { status } = await untilSchedule(stage, 'taken', (object) => object.status?.lastSkipped !== undefined);
  expect(status?.lastSkipped?.reason).toMatch(
    /^there is another experiment taken-\d+, which this schedule did not make$/,
  );
  const [run] = await untilRuns(stage, schedule, { count: 1 });
  expect(taken).not.toContain(run?.metadata.name);
});

describe('an earlier run that is under way', () => {
  together('is in the way with Forbid, and aborted with Replace', async (stage) => {
    const long = { ...often, experiment: { ...experiment, duration: '10m' } };
    const patient = await applySchedule(stage, 'patient', long);
    const hasty = await applySchedule(stage, 'hasty', { ...long, concurrencyPolicy: 'Replace' });
    const skipped = await untilSchedule(stage, 'patient', ({ status }) => status?.lastSkipped !== undefined);
    expect(skipped.status?.lastSkipped?.reason).toMatch(/still under way, and concurrencyPolicy is Forbid$/);
    expect(await runsOf(stage, patient)).toHaveLength(1);
    const [first, second] = await untilRuns(stage, hasty, { count: 2 });
    expect(first?.status?.phase).toBe('Aborted');
    expect(second?.status?.phase).not.toBe('Aborted');
  });
});

together('startWhen: a run begins when its probe passes, however late within the time', async (stage) => {
  let isReady = false;
  const server = createServer((_request, response) => response.writeHead(isReady ? 200 : 503).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  try {
    const startWhen = { probes: [{ type: 'http', url }], timeout: '2s' };
    const schedule = await applySchedule(stage, 'careful', { ...often, startWhen });
    const { status } = await untilSchedule(stage, 'careful', (object) => object.status?.lastSkipped !== undefined);
    expect(status?.lastSkipped?.reason).toMatch(/^startWhen did not pass within 2s: .*503/);
    expect(await runsOf(stage, schedule)).toEqual([]);
    isReady = true;
    await untilRuns(stage, schedule, { count: 1 });
  } finally {
    server.close();
  }
});

together('a schedule that is suspended begins nothing, and makes up for nothing when it is resumed', async (stage) => {
  const schedule = await applySchedule(stage, 'paused', { ...often, suspend: true });
  await untilSchedule(stage, 'paused', (object) => phaseOf(object.status, 'Suspended') === 'True');
  // Two of its times pass.
  await eventually('time passes', async () => Date.now() > instantOf(schedule, 2) + 500 || undefined, {
    withinMs: 40_000,
  });
  expect(await runsOf(stage, schedule)).toEqual([]);
  const resumed = Date.now();
  await changeSchedule(stage, 'paused', { suspend: false });
  const [run] = await untilRuns(stage, schedule, { count: 1 });
  expect(Number(run?.metadata.name.split('-').at(-1)) * 1000).toBeGreaterThan(resumed - 1000);
});
