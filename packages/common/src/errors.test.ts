import { expect, test } from '@jest/globals';
import { errorCodes, isRetryable } from './errors.ts';

test('the same request is sent again when nothing was wrong with it', () => {
  expect(Object.keys(errorCodes).filter(isRetryable)).toEqual(['DEADLINE_EXCEEDED', 'ABORTED', 'UNAVAILABLE']);
});

test.each([undefined, 14, 'ENOENT', 'toString'])('%p is no code that says so', (code) => {
  expect(isRetryable(code)).toBe(false);
});
