/** The status of a schedule as it is written, and read again. */
import { expect, test } from '@jest/globals';
import { scheduleStatusDocument, scheduleStatusFrom } from './status-document.ts';
import { initialScheduleStatus, type ScheduleStatus } from './status.ts';

const context = { previous: undefined, now: 0, local: (at: number) => new Date(at).toISOString() };

test('a run says its kind where it is no experiment, which is what one without a kind was', () => {
  const active: ScheduleStatus['active'] = [
    { kind: 'ChaosExperiment', name: 'nightly-1', uid: 'u1', scheduledFor: 60_000 },
    { kind: 'ChaosWorkflow', name: 'nightly-2', uid: 'u2', scheduledFor: 120_000 },
  ];
  const document = scheduleStatusDocument({ ...initialScheduleStatus, active }, context);
  expect(document.active).toEqual([
    { name: 'nightly-1', uid: 'u1', scheduledFor: '1970-01-01T00:01:00Z' },
    { kind: 'ChaosWorkflow', name: 'nightly-2', uid: 'u2', scheduledFor: '1970-01-01T00:02:00Z' },
  ]);
  expect(scheduleStatusFrom(document).active).toEqual(active);
});
