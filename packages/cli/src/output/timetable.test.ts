/** What is told of a schedule in a file, and when a file of schedules is refused. */
import { expect, test } from '@jest/globals';
import { parseExperiments } from '../documents.ts';
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

test('without --now it is refused, with the way out', () => {
  expect(() => read({ schedule: '@daily' }, false)).toThrow(
    'kind: a schedule begins its runs by itself, on a cluster; allowed: kubectl apply; or --now: one run, now',
  );
});

test('all problems of a schedule are told', () => {
  expect(() => read({ schedule: '0 0 * * 7', timeZone: 'utc' })).toThrow(/spec\.schedule: .* \| spec\.timeZone: /);
});
