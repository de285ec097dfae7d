/** What becomes of the runs of a schedule: when they begin, are skipped, replaced, and forgotten. */
import { describe, expect, test } from '@jest/globals';
import { scheduleStatusFrom } from '@chaosplane/api';
import { experiment, portsOver, scheduleSpec, ScheduleServer, type OperatorLife } from '../../test/schedules.ts';
import { visitSchedule, type NextVisit } from './visit.ts';

const MINUTE_MS = 60_000;

/** A schedule that was made at the epoch, and an operator that looks at it when it said it would. */
function stage(change: object = {}, life: Partial<OperatorLife> = {}) {
  const server = new ScheduleServer(scheduleSpec(change));
  const visit = async (): Promise<NextVisit | undefined> =>
    visitSchedule(portsOver(server, { seen: () => [...server.children.values()], ...life }));
  return {
    server,
    visit,
    /** Time passes, and the operator looks once. */
    async at(ms: number) {
      server.advance(ms - server.now);
      return visit();
    },
    get status() {
      return scheduleStatusFrom(server.status);
    },
  };
}

/** Runs a workflow in the place of the experiment. */
const ofWorkflow = (change: object = {}): object => ({
  experiment: undefined,
  workflow: { templates: [{ name: 'wait', delay: '5s' }], steps: [{ name: 'wait', template: 'wait' }], ...change },
});

describe('a run', () => {
  test('begins at its time, by a name with the minutes since the epoch, and is noted after that', async () => {
    const it = stage();
    expect(await it.at(500)).toEqual({ at: MINUTE_MS });
    expect(it.server.made).toEqual([]);
    expect(await it.at(MINUTE_MS)).toEqual({ at: 2 * MINUTE_MS });
    expect([...it.server.children.keys()]).toEqual(['nightly-1']);
    expect(it.status).toMatchObject({
      lastScheduleTime: MINUTE_MS,
      active: [{ kind: 'ChaosExperiment', name: 'nightly-1', uid: 'u1', scheduledFor: MINUTE_MS }],
      nextRuns: [2, 3, 4, 5, 6].map((minute) => minute * MINUTE_MS),
      conditions: [
        { type: 'Ready', status: 'True' },
        { type: 'Suspended', status: 'False' },
      ],
    });
  });

  test('of every ten seconds has the seconds in its name, and counts from the creation', async () => {
    const it = stage({ schedule: '@every 10s', concurrencyPolicy: 'Allow' });
    await it.at(10_000);
    await it.at(20_300);
    expect([...it.server.children.keys()]).toEqual(['nightly-10', 'nightly-20']);
  });

  test('that was missed begins late, within its deadline; of several only the newest', async () => {
    const it = stage({ schedule: '*/2 * * * *' });
    await it.at(9 * MINUTE_MS);
    expect(it.server.made).toEqual([{ scheduledFor: 8 * MINUTE_MS, at: 9 * MINUTE_MS }]);
    expect(it.server.skipped).toEqual([{ time: 6 * MINUTE_MS, reason: 'it had not begun when a later run was due' }]);
  });

  test.each([
    [300, 'at its deadline it begins', 1, []],
    [301, 'after its deadline it is skipped', 0, ['it had not begun within its starting deadline of 5m']],
  ])('%i seconds late: %s', async (seconds, _what, made, reasons) => {
    const it = stage({ schedule: '0 * * * *' });
    await it.at(3600_000 + seconds * 1000);
    expect(it.server.made).toHaveLength(made);
    expect(it.server.skipped.map(({ reason }) => reason)).toEqual(reasons);
  });

  test('ten thousand of them that were missed take no longer than one', async () => {
    const it = stage({ schedule: '@every 10s' });
    const begun = performance.now();
    await it.at(100_000_000);
    expect(it.server.made).toEqual([{ scheduledFor: 100_000_000, at: 100_000_000 }]);
    expect(performance.now() - begun).toBeLessThan(500);
  });

  test.each([101, 10_000, 1_000_000])(
    '%i that were missed do not stop the schedule: what is due begins, and goes on',
    async (missed) => {
      const it = stage();
      await it.at(MINUTE_MS);
      await it.at((missed + 1) * MINUTE_MS);
      await it.at((missed + 2) * MINUTE_MS);
      expect(it.server.made.map(({ scheduledFor }) => scheduledFor / MINUTE_MS)).toEqual([1, missed + 1, missed + 2]);
      expect(it.status.nextRuns[0]).toBe((missed + 3) * MINUTE_MS);
    },
  );

  test('whose note of it was lost does not begin again: its name is that of its time', async () => {
    const it = stage({ experiment: { ...experiment, duration: '1h' }, concurrencyPolicy: 'Allow' });
    const { status } = it.server;
    await it.at(MINUTE_MS);
    // As after a restore of the API server, or a write that was answered and not kept.
    it.server.status = status;
    await it.at(MINUTE_MS + 1000);
    await it.at(2 * MINUTE_MS);
    expect(it.server.made.map(({ scheduledFor }) => scheduledFor)).toEqual([MINUTE_MS, 2 * MINUTE_MS]);
  });

  test.each([
    ['a schedule that is edited', {}, { schedule: '*/5 * * * *' }],
    ['one that is resumed', { suspend: true }, {}],
  ])('is not made up for by %s, also when the operator was away', async (_what, before, after) => {
    const it = stage(before);
    await it.at(1000);
    it.server.advance(10 * MINUTE_MS + 500 - it.server.now);
    it.server.edit(scheduleSpec(after));
    await it.at(10 * MINUTE_MS + 30_000);
    expect(it.server.made).toEqual([]);
    await it.at(15 * MINUTE_MS);
    expect(it.server.made).toEqual([{ scheduledFor: 15 * MINUTE_MS, at: 15 * MINUTE_MS }]);
  });

  test('does not begin while the schedule is suspended, which has no next ones then', async () => {
    const it = stage({ suspend: true });
    expect(await it.at(5 * MINUTE_MS)).toEqual({});
    expect(it.server.made).toEqual([]);
    expect(it.status).toMatchObject({ nextRuns: [], message: 'suspended' });
    expect(it.status.conditions.map(({ type, status }) => [type, status])).toEqual([
      ['Ready', 'True'],
      ['Suspended', 'True'],
    ]);
  });

  test('is skipped when the API server does not take it', async () => {
    const it = stage({}, { refuses: 'the name is taken' });
    await it.at(MINUTE_MS);
    expect(it.server.skipped).toEqual([{ time: MINUTE_MS, reason: 'the name is taken' }]);
    expect(it.status.lastScheduleTime).toBeUndefined();
  });
});

describe('an earlier run that is under way', () => {
  const long = { lastsMs: 90_000 };

  test('is in the way by default: the later one is skipped', async () => {
    const it = stage();
    Object.assign(it.server, long);
    await it.at(MINUTE_MS);
    await it.at(2 * MINUTE_MS);
    expect(it.server.made).toHaveLength(1);
    const reason = 'the run nightly-1 is still under way, and concurrencyPolicy is Forbid';
    expect(it.status.lastSkipped).toEqual({ time: 2 * MINUTE_MS, reason });
    await it.at(3 * MINUTE_MS);
    expect(it.server.made).toHaveLength(2);
  });

  test('goes on beside a later one with Allow', async () => {
    const it = stage({ concurrencyPolicy: 'Allow' });
    Object.assign(it.server, long);
    await it.at(MINUTE_MS);
    await it.at(2 * MINUTE_MS);
    expect(it.status.counts).toEqual({ active: 2, succeeded: 0, failed: 0 });
  });

  test('is aborted with Replace, and the later one begins when it has recovered', async () => {
    const it = stage({ concurrencyPolicy: 'Replace' });
    Object.assign(it.server, long);
    await it.at(MINUTE_MS);
    expect(await it.at(2 * MINUTE_MS)).toEqual({ at: 3 * MINUTE_MS });
    expect(it.server.children.get('nightly-1')?.state).toBe('ending');
    await it.at(2 * MINUTE_MS + 3000);
    expect(it.server.made.at(-1)).toEqual({ scheduledFor: 2 * MINUTE_MS, at: 2 * MINUTE_MS + 3000 });
  });
});

test('a spec that becomes one of a workflow has runs of both kinds for a while, which count alike', async () => {
  const it = stage({ concurrencyPolicy: 'Allow', successfulHistoryLimit: 1 });
  it.server.lastsMs = 90_000;
  await it.at(MINUTE_MS);
  it.server.advance(1000);
  it.server.edit(scheduleSpec({ concurrencyPolicy: 'Allow', successfulHistoryLimit: 1, ...ofWorkflow() }));
  await it.at(2 * MINUTE_MS);
  expect(it.status.active.map(({ kind, name }) => [kind, name])).toEqual([
    ['ChaosExperiment', 'nightly-1'],
    ['ChaosWorkflow', 'nightly-2'],
  ]);
  await it.at(2 * MINUTE_MS + 59_000);
  it.server.lastsMs = 1000;
  await it.at(3 * MINUTE_MS);
  await it.at(3 * MINUTE_MS + 58_000);
  await it.at(3 * MINUTE_MS + 59_000);
  expect(it.status.counts).toEqual({ active: 0, succeeded: 1, failed: 0 });
  expect([...it.server.children.values()].map(({ kind, name }) => [kind, name])).toEqual([
    ['ChaosWorkflow', 'nightly-3'],
  ]);
});

test('of runs that have ended, the newest are kept', async () => {
  const it = stage({ successfulHistoryLimit: 2 });
  for (let minute = 1; minute <= 6; minute++) await it.at(minute * MINUTE_MS);
  await it.at(6 * MINUTE_MS + 30_000);
  expect([...it.server.children.keys()]).toEqual(['nightly-5', 'nightly-6']);
  expect(it.status.lastScheduleTime).toBe(6 * MINUTE_MS);
});

describe('windows and freezes', () => {
  test('skip runs that would not end within them, and leave them out of what comes next', async () => {
    const blocked = [{ from: '00:02', to: '00:04' }];
    const it = stage({ windows: { blocked } });
    await it.at(1000);
    expect(it.status.nextRuns).toEqual([1, 4, 5, 6, 7].map((minute) => minute * MINUTE_MS));
    await it.at(2 * MINUTE_MS);
    expect(it.status.lastSkipped?.reason).toBe('now (Thu 00:02 UTC) is in the blocked time 00:02 to 00:04 UTC');
  });

  test('of a workflow are about the whole time until its deadline', async () => {
    const blocked = [{ from: '00:04', to: '00:05' }];
    const it = stage({ windows: { blocked }, ...ofWorkflow({ deadline: '2m' }) });
    await it.at(1000);
    expect(it.status.nextRuns).toEqual([1, 2, 5, 6, 7].map((minute) => minute * MINUTE_MS));
    await it.at(3 * MINUTE_MS);
    expect(it.status.lastSkipped?.reason).toBe(
      'it would still run at Thu 00:04 UTC, which is in the blocked time 00:04 to 00:05 UTC',
    );
  });

  test('a freeze is whole days of its time zone, the last one included', async () => {
    const freeze = [{ from: '1970-01-01', to: '1970-01-02', timeZone: 'Europe/Berlin' }];
    const it = stage({ schedule: '0 * * * *', freeze });
    await it.at(1000);
    // Berlin was an hour ahead.
    expect(new Date(it.status.nextRuns[0]!).toISOString()).toBe('1970-01-02T23:00:00.000Z');
    await it.at(3600_000);
    expect(it.status.lastSkipped?.reason).toBe(
      'it would run in the freeze from 1970-01-01 to 1970-01-02 Europe/Berlin',
    );
  });

  test('that let nothing pass are told, in a moment', async () => {
    const begun = performance.now();
    const windows = { allowed: [{ from: '00:00', to: '00:01' }], blocked: [{}] };
    const it = stage({ windows, experiment: { ...scheduleInput, duration: '23h' } });
    await it.at(1000);
    expect(it.status.message).toBe('no run is in sight that windows and freezes let pass');
    expect(performance.now() - begun).toBeLessThan(2000);
  });
});

const scheduleInput = {
  target: { labelSelector: { matchLabels: { app: 'web' } } },
  action: { type: 'network-delay', parameters: { latency: '100ms' } },
};

describe('jitter', () => {
  test('is the same for the same run, within the limit, and before the next run', async () => {
    const it = stage({ jitter: '2m', concurrencyPolicy: 'Allow', startingDeadlineSeconds: 120 });
    const delays: number[] = [];
    for (let minute = 1; minute <= 40; minute++) {
      const { at = 0 } = (await it.at(minute * MINUTE_MS)) ?? {};
      const made = it.server.made.length;
      expect(await it.at(at - 1)).toEqual({ at });
      expect(it.server.made).toHaveLength(made);
      await it.at(at);
      expect(it.server.made.at(-1)).toEqual({ scheduledFor: minute * MINUTE_MS, at });
      delays.push(at - minute * MINUTE_MS);
    }
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...delays)).toBeLessThan(MINUTE_MS);
    expect(Math.max(...delays) - Math.min(...delays)).toBeGreaterThan(30_000);
    const again = stage({ jitter: '2m', startingDeadlineSeconds: 120 });
    await again.at(MINUTE_MS);
    expect(await again.at(MINUTE_MS)).toEqual({ at: MINUTE_MS + delays[0]! });
  });
});

describe('startWhen', () => {
  const spec = {
    schedule: '0 * * * *',
    startWhen: { probes: [{ type: 'http', url: 'http://shop/' }], timeout: '2m' },
  };
  const HOUR_MS = 3600_000;

  test('a run begins when its probes pass, and is skipped when they do not in time', async () => {
    const told: { passed: boolean }[] = [];
    const asked: number[] = [];
    const it = stage(spec, {
      asked: () => (told[0] === undefined ? undefined : { scheduledFor: HOUR_MS, message: 'status 503', ...told[0] }),
      onAsk: (at) => asked.push(at),
    });
    expect(await it.at(HOUR_MS)).toEqual({ at: HOUR_MS + 2 * MINUTE_MS });
    expect(asked).toEqual([HOUR_MS]);
    told[0] = { passed: false };
    await it.at(HOUR_MS + MINUTE_MS);
    expect(it.server.made).toEqual([]);
    told[0] = { passed: true };
    await it.at(HOUR_MS + MINUTE_MS + 1);
    expect(it.server.made).toEqual([{ scheduledFor: HOUR_MS, at: HOUR_MS + MINUTE_MS + 1 }]);
    // Those of another run say nothing of this one.
    await it.at(2 * HOUR_MS);
    expect(it.server.made).toHaveLength(1);
    await it.at(2 * HOUR_MS + 2 * MINUTE_MS);
    expect(it.status.lastSkipped).toEqual({ time: 2 * HOUR_MS, reason: 'startWhen did not pass within 2m' });
  });
});
