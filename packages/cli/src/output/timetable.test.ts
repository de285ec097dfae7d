/** What is told of a schedule in a file, and when a file of schedules is refused. */
import { describe, expect, test } from '@jest/globals';
import { parseDocuments, parseExperiments, type Changes } from '../documents.ts';
import { timetableOf, timetableText } from './timetable.ts';

const file = (spec: object): Buffer =>
  Buffer.from(
    JSON.stringify({
      apiVersion: 'chaos.chaosplane.io/v1alpha1',
      kind: 'ChaosSchedule',
      metadata: { name: 'nightly' },
      spec: {
        experiment: {
          target: { labelSelector: { matchLabels: { app: 'web' } } },
          action: { type: 'network-delay', parameters: { latency: '100ms' } },
          duration: '30s',
        },
        ...spec,
      },
    }),
  );

const read = (spec: object, takesSchedules = true, changes = {}) =>
  parseExperiments('nightly.yaml', file(spec), { place: 'machine', changes, takesSchedules })[0]!;

test('the next five runs, and the days that have none or two', () => {
  const { schedule } = read({ schedule: '30 2 * * *', timeZone: 'Europe/Berlin', dst: 'kubernetes' });
  const told = timetableOf(schedule!, Date.parse('2026-12-01T12:00:00Z'));
  expect(timetableText(schedule!, told).split('\n')).toEqual([
    'Schedule nightly: network-delay at "30 2 * * *", Europe/Berlin',
    'Its next runs:',
    ...[2, 3, 4, 5, 6].map((day) => `  2026-12-0${day}T02:30:00+01:00`),
    'warning: on 2027-03-28, when clocks change, it has no run in place of 1 (dst: kubernetes)',
    'warning: on 2027-10-31, when clocks change, it has 2 runs in place of 1 (dst: kubernetes)',
  ]);
});

test('of a schedule its experiment is run, under a name of its own, with what flags change', () => {
  const { experiment, document } = read({ schedule: '@daily' }, true, { duration: '5s', namespace: 'shop' });
  expect(experiment).toMatchObject({
    metadata: { name: 'nightly-now', namespace: 'shop' },
    spec: { duration: 5000, target: { namespace: 'shop' } },
  });
  expect(document).toMatchObject({ kind: 'ChaosExperiment', spec: { duration: '5s' } });
});

describe('of a schedule of a workflow', () => {
  const workflow = {
    parameters: [{ name: 'pause', type: 'duration' }],
    arguments: { pause: '1s' },
    templates: [
      {
        name: 'wait',
        parameters: [{ name: 'time', type: 'duration' }],
        experiment: {
          ...{ target: { labelSelector: { matchLabels: { app: 'web' } } }, duration: '30s' },
          action: { type: 'network-delay', parameters: { latency: '${{ parameters.time }}' } },
        },
      },
    ],
    steps: ['first', 'second'].map((name) => ({
      ...{ name, template: 'wait', arguments: { time: '${{ parameters.pause }}' } },
    })),
  };
  const readWorkflow = (changes: Changes, change: object = {}) => {
    const content = file({ schedule: '@daily', experiment: undefined, workflow: { ...workflow, ...change } });
    return parseDocuments('nightly.yaml', content, { place: 'machine', changes, takesSchedules: true })[0];
  };

  test('the workflow is run, under a name of its own, with the parameters that flags give', () => {
    const read = readWorkflow({ namespace: 'shop', parameters: { pause: '2s' } }, { arguments: {} });
    expect(read).toMatchObject({
      document: {
        ...{ kind: 'ChaosWorkflow', metadata: { name: 'nightly-now', namespace: 'shop' } },
        spec: { arguments: { pause: '2s' } },
      },
      workflow: { metadata: { name: 'nightly-now', namespace: 'shop' }, spec: { parameters: { pause: '2s' } } },
    });
  });

  test('the runs are told, and how much a workflow it is', () => {
    const { schedule } = readWorkflow({})!;
    const told = timetableOf(schedule!, Date.parse('2026-12-01T12:00:00Z'));
    expect(timetableText(schedule!, told).split('\n').slice(0, 3)).toEqual([
      'Schedule nightly: a workflow of 2 steps at "@daily", UTC',
      'Its next runs:',
      '  2026-12-02T00:00:00Z',
    ]);
  });

  test('it takes no duration, and its problems are told where they stand', () => {
    expect(() => readWorkflow({ duration: '5s' })).toThrow('--duration: the experiments of a workflow have their own');
    expect(() => readWorkflow({ parameters: { pause: 'soon' } })).toThrow(
      /spec\.workflow\.arguments\.pause: "soon" is none/,
    );
  });
});

test('without --now it is refused, with the way out', () => {
  expect(() => read({ schedule: '@daily' }, false)).toThrow(
    'kind: a schedule begins its runs by itself, on a cluster; allowed: kubectl apply; or --now: one run, now',
  );
});

test('all problems of a schedule are told', () => {
  expect(() => read({ schedule: '0 0 * * 7', timeZone: 'utc' })).toThrow(/spec\.schedule: .* \| spec\.timeZone: /);
});
