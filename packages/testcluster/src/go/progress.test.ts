import { expect, test } from '@jest/globals';
import { progressLine } from './progress.ts';

test.each([
  [
    'before there is a pace, no estimate',
    { done: 3, total: 900, elapsedMs: 10_000 },
    'kubelet: 3 of at most 900 packages after 10 s',
  ],
  [
    'the rest at the pace so far',
    { done: 300, total: 900, elapsedMs: 30_000 },
    'kubelet: 300 of at most 900 packages after 30 s, 60 s to go at most',
  ],
  [
    'long times are minutes',
    { done: 100, total: 900, elapsedMs: 100_000 },
    'kubelet: 100 of at most 900 packages after 2 min, 13 min to go at most',
  ],
  [
    'the linker comes after the last package',
    { done: 901, total: 900, elapsedMs: 60_000 },
    'kubelet: 900 of at most 900 packages after 60 s',
  ],
])('%s', (_name, progress, line) => {
  expect(progressLine('kubelet', progress)).toBe(line);
});
