/** When a process gives back what a burst has left. */
import { expect, test } from '@jest/globals';
import { systemClock } from './clock.ts';
import { keepHeapSmall, keepOwnHeapSmall } from './heap.ts';

/** Looks at each of these, resident bytes and how busy; what is resident after a collection is 100. Returns what was found each time. */
function looks(...seen: readonly (readonly [resident: number, busy: number])[]): number[] {
  const found: number[] = [];
  let [resident, busy] = [0, 0];
  let next = (): void => undefined;
  const clock = {
    ...systemClock,
    after: (_ms: number, fire: () => void) => {
      next = fire;
      return { cancel: () => undefined };
    },
  };
  keepHeapSmall({ clock, resident: () => resident, busy: () => busy, collect: () => void (resident = 100) });
  for (const each of seen) {
    [resident, busy] = each;
    next();
    found.push(resident);
  }
  return found;
}

test('what has grown is given back when the process has time, and never before', () => {
  expect(looks([100, 0], [200, 0.9], [210, 0.1])).toEqual([100, 200, 100]);
});

test('what is as it was stays, and what cannot be given back is tried again only when it grows', () => {
  expect(looks([90, 0], [98, 0], [200, 0], [105, 0], [120, 0])).toEqual([90, 98, 100, 105, 100]);
});

test('a process has what that takes', () => {
  keepOwnHeapSmall(systemClock)();
});
