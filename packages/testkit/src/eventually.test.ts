import { expect, test } from '@jest/globals';
import { eventually } from './eventually.ts';

/** Sees 1, 2, 3, … */
function counter(): () => number {
  let seen = 0;
  return () => (seen += 1);
}

test('it resolves with the first thing that is neither undefined nor false', async () => {
  const looks = [undefined, false, 0, 'more'];
  expect(await eventually('it came', () => looks.shift(), { everyMs: 1 })).toBe(0);
  expect(looks).toEqual(['more']);
});

test('it resolves with what it was told to wait for', async () => {
  expect(await eventually('it is three', counter(), { is: (seen) => seen === 3, everyMs: 1 })).toBe(3);
});

test('what does not come is named, with what was there instead', async () => {
  await expect(eventually('it came', async () => undefined, { withinMs: 0 })).rejects.toThrow(
    /^it came: not within 0 s$/,
  );
  const waiting = { is: () => false, withinMs: 0, everyMs: 1 };
  await expect(eventually('it came', () => ({ phase: 'Running' }), waiting)).rejects.toThrow(
    "it came: not within 0 s; last seen: { phase: 'Running' }",
  );
});

test('a wait that is given up ends with the reason', async () => {
  const giveUp = AbortSignal.abort(new Error('given up'));
  await expect(eventually('it came', () => false, { signal: giveUp })).rejects.toBe(giveUp.reason);
});
