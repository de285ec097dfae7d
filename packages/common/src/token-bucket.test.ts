import { expect, test } from '@jest/globals';
import { bucket } from './token-bucket.ts';

test('a bucket gives its burst at once, then one token at a time, and holds no more than its burst', () => {
  let now = 0;
  const { take, isFull } = bucket({ perSecond: 2, burst: 3 }, { monotonic: () => now });
  expect([take(), take(), take(), take()]).toEqual([true, true, true, false]);
  now = 499;
  expect(take()).toBe(false);
  now = 500;
  expect([take(), take(), isFull()]).toEqual([true, false, false]);
  now = 2000;
  expect(isFull()).toBe(true);
  now = 60_000;
  expect([take(), take(), take(), take()]).toEqual([true, true, true, false]);
});
