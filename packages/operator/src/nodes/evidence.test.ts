/** What is said of the pods that were to leave a node. */
import { describe, expect, test } from '@jest/globals';
import { podOf } from '../../test/objects.ts';
import { leavingEvidence } from './evidence.ts';
import type { JudgedPod } from './pods.ts';

const evict = (name: string): JudgedPod => ({ what: 'evict', pod: podOf(name) });
const stays = (name: string, why: string): JudgedPod => ({ what: 'stays', pod: podOf(name), why });
const ending: JudgedPod = {
  what: 'ending',
  pod: podOf('old', { metadata: { deletionTimestamp: '2026-01-01T00:00:30Z' } }),
};
const told = (found: number, ...pods: readonly JudgedPod[]) =>
  leavingEvidence({ found, pods, whyLeft: () => 'is in the way: a budget', notes: ['a note'] });

describe('the evidence of a node', () => {
  test('all of whose pods are gone is verified', () => {
    expect(told(3, stays('d', 'of a DaemonSet'))).toEqual({
      verdict: 'Verified',
      engine: 'api',
      summary: '3 of 3 pods gone',
      counters: { pods_found: 3, pods_gone: 3, pods_ending: 0, pods_still_there: 0, pods_that_stay: 1 },
      notes: ['1 pod stays: of a DaemonSet', 'a note'],
    });
  });

  test('with pods in the way is not observed, and names them and why', () => {
    const evidence = told(5, evict('web-1'), ending, stays('d', 'of a DaemonSet'), stays('e', 'of a DaemonSet'));
    expect(evidence).toMatchObject({
      verdict: 'NotObserved',
      summary: '3 of 5 pods gone, 1 on their way out, 1 still there',
      counters: { pods_found: 5, pods_gone: 3, pods_ending: 1, pods_still_there: 1, pods_that_stay: 2 },
    });
    expect(evidence.notes).toEqual([
      'shop/web-1 is in the way: a budget',
      'shop/old is on its way out, to be gone at 2026-01-01T00:00:30Z',
      '2 pods stay: of a DaemonSet',
      'a note',
    ]);
  });

  test('that had no pod to leave says that nothing was there to be seen', () => {
    expect(told(0, stays('d', 'static'))).toMatchObject({ verdict: 'NoTraffic', summary: /no pod/ });
  });

  test('counts what came to it later than it was looked at', () => {
    expect(told(1, evict('a'), evict('b'))).toMatchObject({ counters: { pods_found: 2, pods_gone: 0 } });
  });

  test('names ten pods, and counts the others', () => {
    const many = told(12, ...Array.from({ length: 12 }, (_, index) => evict(`web-${index}`)));
    expect(many.notes.slice(9)).toEqual(['shop/web-9 is in the way: a budget', 'and 2 more', 'a note']);
  });
});
