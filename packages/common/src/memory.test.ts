/** When a process gives back what a burst has left. */
import { expect, test } from '@jest/globals';
import { systemClock } from './clock.ts';
import { keepMemorySmall, keepOwnMemorySmall } from './memory.ts';

/** What is found at a look. */
interface Seen {
  readonly resident: number;
  /** The share of a processor that was used since the look before. Default: none. */
  readonly busy?: number;
  /** Default: true. */
  readonly mayPause?: boolean;
}

/**
 * Looks at each of these. What is resident after a collection is 100, and `inUse` more a few seconds later. Returns at which looks it was
 * collected.
 */
function collects(seen: readonly Seen[], { inUse = 0 }: { readonly inUse?: number } = {}): number[] {
  const collections: number[] = [];
  let [resident, worked, index, mayPause] = [0, 0, 0, true];
  let next = (): void => undefined;
  const clock = {
    ...systemClock,
    monotonic: () => 10_000 * index,
    after: (_ms: number, fire: () => void) => {
      next = fire;
      return { cancel: () => void (next = () => undefined) };
    },
  };
  const collect = (): void => {
    collections.push(index);
    resident = 100 + inUse;
  };
  const stop = keepMemorySmall({
    ...{ clock, collect, resident: () => resident, worked: () => worked, mayPause: () => mayPause },
  });
  for (const each of seen) {
    index += 1;
    [resident, mayPause] = [each.resident, each.mayPause ?? true];
    worked += 10_000 * (each.busy ?? 0);
    next();
  }
  stop();
  const before = collections.length;
  next();
  expect(collections).toHaveLength(before);
  return collections;
}

const many = (count: number, seen: Seen): Seen[] => Array.from({ length: count }, () => seen);

test('what the start has left is given back once the process has time', () => {
  expect(collects([{ resident: 150, busy: 0.9 }, { resident: 150, busy: 0.1 }, { resident: 105 }])).toEqual([2]);
});

test('what has grown is given back when the process has time, and never before', () => {
  expect(
    collects([{ resident: 150 }, { resident: 100 }, { resident: 200, busy: 0.9 }, { resident: 210, busy: 0.1 }]),
  ).toEqual([1, 4]);
});

test('what is in use comes back, and is not given back again and again', () => {
  const inUse = 20;
  expect(collects([{ resident: 150 }, { resident: 120 }, ...many(100, { resident: 130 })], { inUse })).toEqual([1]);
  expect(collects([{ resident: 150 }, { resident: 120 }, { resident: 130 }, { resident: 133 }], { inUse })).toEqual([
    1, 4,
  ]);
});

test('after work, what it has left is given back although nothing has grown: once in a while, and where a pause shows in nothing', () => {
  const worked = { resident: 100, busy: 0.4 };
  const begun = [{ resident: 150 }, { resident: 100 }];
  expect(collects([...begun, ...many(20, worked)])).toEqual([1, 7, 13, 19]);
  const live = many(20, { ...worked, mayPause: false });
  expect(collects([...begun, ...live, { resident: 100 }, ...many(20, { resident: 100 })])).toEqual([1, 23]);
  // At rest, that is seldom.
  expect(collects([...begun, ...many(1000, { resident: 100, busy: 0.005 })])).toHaveLength(25);
});

test('a process has what that takes', () => {
  keepOwnMemorySmall(systemClock)();
});
