/** The machine's clock, turns and waits. */
import { describe, expect, test } from '@jest/globals';
import { systemClock } from './clock.ts';
import { Mutex } from './mutex.ts';
import { backoff } from './retry.ts';

describe('the clock', () => {
  test('fires not before its time, and not at all when taken back', async () => {
    const started = systemClock.monotonic();
    const fired = new Promise<number>((resolve) =>
      systemClock.after(30, () => resolve(systemClock.monotonic() - started)),
    );
    let never = true;
    systemClock.after(10, () => (never = false)).cancel();
    await systemClock.sleep(60);
    expect(await fired).toBeGreaterThanOrEqual(29);
    expect(never).toBe(true);
  });

  test('a time longer than a timer can hold does not fire at once', async () => {
    let fired = false;
    const timer = systemClock.after(30 * 24 * 3600 * 1000, () => (fired = true));
    await systemClock.sleep(20);
    timer.cancel();
    expect(fired).toBe(false);
  });

  test('a sleep ends with the reason of its signal', async () => {
    const reason = new Error('enough');
    await expect(systemClock.sleep(10_000, AbortSignal.abort(reason))).rejects.toBe(reason);
    const controller = new AbortController();
    const sleeping = systemClock.sleep(10_000, controller.signal);
    controller.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
  });
});

test('a mutex gives each its turn, also after one that failed', async () => {
  const mutex = new Mutex();
  const order: number[] = [];
  const task = (name: number, ms: number) => async () => {
    await systemClock.sleep(ms);
    order.push(name);
    if (name === 2) throw new Error('two');
  };
  const results = await Promise.allSettled([mutex.run(task(1, 20)), mutex.run(task(2, 0)), mutex.run(task(3, 0))]);
  expect(order).toEqual([1, 2, 3]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});

test('waits grow to the longest, each between half of and the whole of it', () => {
  const waits = backoff({ firstMs: 100, factor: 2, longestMs: 1000, clock: { random: () => 0 } });
  expect(Array.from({ length: 6 }, () => waits.next().value)).toEqual([50, 100, 200, 400, 500, 500]);
});
