import { expect, test } from '@jest/globals';
import { manualClock } from '@chaosplane/testkit/clocks';
import { endsWithin, shutdownMs } from './shutdown.ts';

test('what stops in its time is waited for, and nothing is left of the wait', async () => {
  const clock = manualClock();
  const stopping = Promise.withResolvers<undefined>();
  const ends = endsWithin(stopping.promise, shutdownMs('keep'), clock);
  await clock.advance(shutdownMs('keep') - 1);
  stopping.resolve(undefined);
  expect(await ends).toBe('stopped');
  expect(clock.timers).toBe(0);
});

test('what hangs is not waited for any longer than that; to undo takes longer than to keep', async () => {
  const clock = manualClock();
  const ends = endsWithin(new Promise<void>(() => undefined), shutdownMs('undo'), clock);
  await clock.advance(shutdownMs('undo'));
  expect(await ends).toBe('late');
  expect(shutdownMs('undo')).toBeGreaterThan(shutdownMs('keep'));
});

test('what fails to stop is told', async () => {
  const broken = Promise.reject(new Error('broken'));
  await expect(endsWithin(broken, 1, manualClock())).rejects.toThrow('broken');
});
