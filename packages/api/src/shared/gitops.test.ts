/** What GitOps tools are told: whole lists, because what is not in them is deleted. What they make of it: operator/test/api/gitops. */
import { describe, expect, test } from '@jest/globals';
import { statusDocument, statusFrom, type StatusDocument } from '../experiment/status-document.ts';
import { initialStatus, type ExperimentStatus } from '../experiment/status.ts';
import { scheduleStatusDocument, scheduleStatusFrom } from '../schedule/status-document.ts';
import { initialScheduleStatus, type ScheduleStatus } from '../schedule/status.ts';
import { gitopsConditionsOfPhase, type EndingStatus } from './gitops.ts';

const said = (status: EndingStatus): string[] =>
  gitopsConditionsOfPhase(status).map((one) => `${one.type}=${one.status} ${one.reason}: ${one.message}`);

describe('what has phases', () => {
  test.each<[string, EndingStatus, string[]]>([
    [
      'is under way in any phase but the last ones',
      { phase: 'Exiting' },
      ['Reconciling=True Exiting: Exiting', 'Ready=Unknown Exiting: Exiting'],
    ],
    [
      'is under way also when its end is known',
      { phase: 'Recovering', message: 'the pod is gone' },
      [
        'Reconciling=True Recovering: Recovering: the pod is gone',
        'Ready=Unknown Recovering: Recovering: the pod is gone',
      ],
    ],
    ['ended well when it held', { phase: 'Completed', verdict: 'Held' }, ['Ready=True Held: Completed, Held']],
    [
      'ended well when nothing can be said, and says that',
      { phase: 'Completed', verdict: 'Inconclusive', message: 'no hypothesis' },
      ['Ready=True Inconclusive: Completed, Inconclusive: no hypothesis'],
    ],
    [
      'ended well without a verdict',
      { phase: 'Completed', message: 'a dry run' },
      ['Ready=True Completed: Completed: a dry run'],
    ],
    [
      'stalls when it did not hold',
      { phase: 'Completed', verdict: 'NotHeld' },
      ['Stalled=True NotHeld: Completed, NotHeld', 'Ready=False NotHeld: Completed, NotHeld'],
    ],
    [
      'stalls when it failed, whichever verdict it has',
      { phase: 'Failed', verdict: 'Held', message: 'no' },
      ['Stalled=True Failed: Failed, Held: no', 'Ready=False Failed: Failed, Held: no'],
    ],
    [
      'stalls when it was aborted',
      { phase: 'Aborted', verdict: 'Inconclusive' },
      ['Stalled=True Aborted: Aborted, Inconclusive', 'Ready=False Aborted: Aborted, Inconclusive'],
    ],
  ])('%s', (_what, status, expected) => {
    expect(said(status)).toEqual(expected);
  });
});

/** Conditions as they are written, and since which second each has its status. */
const since = (document: Pick<StatusDocument, 'conditions'>): string[] =>
  (document.conditions ?? []).map(
    ({ type, status, lastTransitionTime }) => `${type}=${status} ${Date.parse(lastTransitionTime) / 1000}`,
  );

describe('in a status', () => {
  test('of an experiment they come first, keep their time, go when they are not so any more, and are not read back', () => {
    const running: ExperimentStatus = {
      ...initialStatus,
      phase: 'Running',
      conditions: [{ type: 'Selected', status: 'True', reason: 'TargetsChosen', message: '1 of 1 pods' }],
    };
    const first = statusDocument(running, { generation: 1, previous: undefined, now: 0 });
    expect(since(first)).toEqual(['Reconciling=True 0', 'Ready=Unknown 0', 'Selected=True 0']);
    const next = statusDocument({ ...running, phase: 'Recovering' }, { generation: 1, previous: first, now: 1000 });
    expect(since(next)).toEqual(['Reconciling=True 0', 'Ready=Unknown 0', 'Selected=True 0']);
    const ended: ExperimentStatus = { ...running, phase: 'Completed', verdict: 'NotHeld' };
    const last = statusDocument(ended, { generation: 1, previous: next, now: 2000 });
    expect(since(last)).toEqual(['Stalled=True 2', 'Ready=False 2', 'Selected=True 0']);
    expect(last).toMatchObject({ observedGeneration: 1, phase: 'Completed', verdict: 'NotHeld' });
    expect(statusFrom(last, []).conditions).toEqual(running.conditions);
  });

  test('of a schedule Stalled says that its spec is wrong, and is not read back', () => {
    const told = (isWrong: boolean): ScheduleStatus => ({
      ...initialScheduleStatus,
      observedGeneration: 2,
      conditions: [
        isWrong
          ? { type: 'Ready', status: 'False', reason: 'InvalidSpec', message: 'no' }
          : { type: 'Ready', status: 'True', reason: 'Scheduled', message: 'yes' },
        { type: 'Suspended', status: 'False', reason: 'NotSuspended', message: 'no' },
      ],
    });
    const written = (status: ScheduleStatus) =>
      scheduleStatusDocument(status, { previous: undefined, now: 0, local: String });
    expect(since(written(told(true)))).toEqual(['Stalled=True 0', 'Ready=False 0', 'Suspended=False 0']);
    expect(since(written(told(false)))).toEqual(['Ready=True 0', 'Suspended=False 0']);
    for (const status of [told(true), told(false)]) expect(scheduleStatusFrom(written(status))).toEqual(status);
  });
});
