/** Who broke the floor of a workload: of planted histories, those of experiments are found, and those of others are not. */
import { describe, expect, test } from '@jest/globals';
import { floorBreaches, floorOf, longestHeld, type FloorHistory, type FloorHit, type FloorMoment } from './floor.ts';

/** From then on the workload has these pods; one with `!` is not Ready. */
const moment = (at: number, names: string, desired = 4): FloorMoment => ({
  at,
  desired,
  pods: new Map(names.split(' ').map((name) => [name.replace('!', ''), !name.endsWith('!')])),
});
const delay = (uid: string, from: number, until = Infinity): FloorHit => ({
  ...{ uid, from, until, lasting: true, what: 'a delay' },
});
const kill = (uid: string, from: number): FloorHit => ({
  ...{ uid, from, until: Infinity, lasting: false, what: 'a kill' },
});

/** Two of four must be left; what others do may be known a second late. */
const history = (moments: readonly FloorMoment[], hits: readonly FloorHit[]): FloorHistory => ({
  floor: { minAvailable: 2 },
  moments,
  hits,
  endsAt: 10_000,
  reactionMs: 1000,
});

const all = [moment(0, 'a b c d')];

test.each<[what: string, moments: readonly FloorMoment[], hits: readonly FloorHit[]]>([
  ['nothing happens', all, []],
  ['as many are hit as may be', all, [delay('a', 100), delay('b', 100)]],
  ['one begins when another has ended', all, [delay('a', 100, 500), delay('b', 100), delay('c', 501)]],
  ['the same pod is hit twice', all, [delay('a', 100), delay('b', 100), delay('b', 200), kill('b', 300)]],
  [
    'a pod that was killed has been replaced',
    [...all, moment(200, 'a! b c d'), moment(900, 'b c d e')],
    [kill('a', 100), delay('b', 800), delay('c', 1000, 9000)],
  ],
  [
    'others make pods unready less than a second before one begins',
    [...all, moment(2000, 'a! b! c! d')],
    [delay('d', 2900, 3100)],
  ],
  ['others broke the floor, and it is released in time', [...all, moment(2000, 'a b! c! d')], [delay('a', 100, 2900)]],
  ['others break the floor, and nothing is hit', [...all, moment(2000, 'a! b! c! d')], []],
  ['what is held would not be available anyhow', [...all, moment(2000, 'a! b! c! d')], [delay('a', 100)]],
  [
    'a floor that others break again and again, for less than a second each time',
    [...all, moment(2000, 'a b! c! d'), moment(2900, 'a b c! d'), moment(3000, 'a b! c! d'), moment(3900, 'a b c d')],
    [delay('a', 100)],
  ],
])('no experiment is at fault: %s', (_what, moments, hits) => {
  expect(floorBreaches(history(moments, hits))).toEqual([]);
});

test.each<[what: string, moments: readonly FloorMoment[], hits: readonly FloorHit[], told: readonly string[]]>([
  [
    'one too many',
    all,
    [delay('a', 100), delay('b', 100), delay('c', 200, 300)],
    ['200 began: a delay began on c, and 1 of 4, not 2, would be available'],
  ],
  [
    'two that begin at the same time, and both for themselves would be allowed',
    [moment(0, 'a b c d!')],
    [kill('a', 100), kill('b', 100)],
    ['100 began: a kill began on b, and 1 of 4, not 2, would be available'],
  ],
  [
    'before the replacement of a pod that was killed is Ready',
    [...all, moment(200, 'b c d'), moment(900, 'b c d e!')],
    [kill('a', 100), delay('b', 150), delay('c', 1000, 1500)],
    ['1000 began: a delay began on c, and 1 of 4, not 2, would be available'],
  ],
  [
    'long after others have made pods unready',
    [...all, moment(2000, 'a! b! c d')],
    [delay('d', 3100, 3200)],
    ['3100 began: a delay began on d, and 1 of 4, not 2, would be available'],
  ],
  [
    'held for too long after others have broken the floor',
    [...all, moment(2000, 'a b! c! d')],
    [delay('a', 100, 3500)],
    ['2000 held: a delay held a for 1500 ms while too few were available'],
  ],
  [
    'held to the end',
    [...all, moment(2000, 'a b! c! d')],
    [delay('a', 100)],
    ['2000 held: a delay held a for 8000 ms while too few were available'],
  ],
])('an experiment is at fault: %s', (_what, moments, hits, told) => {
  const found = floorBreaches(history(moments, hits));
  expect(found.map(({ at, kind, message }) => `${at} ${kind}: ${message}`)).toEqual(told);
});

describe('the floor', () => {
  test.each([
    [{ minAvailable: 3 }, 4, 3],
    [{ minAvailable: '50%' }, 5, 3],
    [{ maxUnavailable: 1 }, 4, 3],
    [{ maxUnavailable: '25%' }, 5, 3],
    [{ maxUnavailable: '0%' }, 5, 5],
  ] as const)('%j of %d is %d', (floor, desired, expected) => expect(floorOf(floor, desired)).toBe(expected));
});

test('the longest time for which something was held is told', () => {
  const moments = [...all, moment(2000, 'a b! c! d')];
  expect(longestHeld(history(moments, [delay('a', 100, 2700)]))).toBe(700);
  expect(longestHeld(history(all, [delay('a', 100, 2700)]))).toBe(0);
});
