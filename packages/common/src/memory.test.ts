/** When a process gives back what a burst has left. */
import { expect, test } from '@jest/globals';
import { manualClock } from '@chaosplane/testkit/clocks';
import { systemClock } from './clock.ts';
import { keepMemorySmall, keepOwnMemorySmall } from './memory.ts';

/**
 * Looks at each of these, resident bytes and how busy. What is resident after a collection is 100, and `inUse` more a moment later. Returns
 * what was found each time.
 */
async function looks(
  seen: readonly (readonly [resident: number, busy: number])[],
  { inUse = 0 }: { readonly inUse?: number } = {},
): Promise<number[]> {
  const found: number[] = [];
  const clock = manualClock();
  let [resident, busy, collections] = [0, 0, 0];
  const collect = (): void => {
    [resident, collections] = [100, collections + 1];
    clock.after(500, () => (resident += inUse));
  };
  const stop = keepMemorySmall({ clock, resident: () => resident, busy: () => busy, collect });
  for (const each of seen) {
    [resident, busy] = each;
    const before = collections;
    await clock.advance(10_000);
    found.push(resident);
    if (collections > before) await clock.advance(1000);
  }
  stop();
  expect(clock.timers).toBe(0);
  return found;
}

test('what the start has left is given back once the process has time', async () => {
  expect(
    await looks([
      [150, 0.9],
      [150, 0.1],
      [105, 0],
    ]),
  ).toEqual([150, 100, 105]);
});

test('what has grown is given back when the process has time, and never before', async () => {
  expect(
    await looks([
      [100, 0],
      [200, 0.9],
      [210, 0.1],
    ]),
  ).toEqual([100, 200, 100]);
});

test('what is as it was stays, and what cannot be given back is tried again only when it grows', async () => {
  expect(
    await looks([
      [90, 0],
      [108, 0],
      [200, 0],
      [105, 0],
      [120, 0],
    ]),
  ).toEqual([100, 108, 100, 105, 100]);
});

test('what is in use comes back, and is not given back again and again', async () => {
  expect(
    await looks(
      [
        [200, 0],
        [125, 0],
        [130, 0],
        [140, 0],
      ],
      { inUse: 20 },
    ),
  ).toEqual([100, 125, 130, 100]);
});

test('a process has what that takes', () => {
  keepOwnMemorySmall(systemClock)();
});
