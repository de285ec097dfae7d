import { expect, test } from '@jest/globals';
import { closingLine, countsOf, none, sum } from './counts.ts';

const report = {
  numPassedTests: 0,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  numRuntimeErrorTestSuites: 0,
};

test('a layer in which nothing ran has failed', () => {
  expect(countsOf(report)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  expect(countsOf({ ...report, numPendingTests: 5 })).toEqual({ passed: 0, failed: 1, skipped: 5 });
});

test('a file that could not be run is a failed test', () => {
  expect(countsOf({ ...report, numPassedTests: 3, numRuntimeErrorTestSuites: 1 })).toMatchObject({
    passed: 3,
    failed: 1,
  });
});

test('the closing line is the sum of the layers', () => {
  const layers = [none, { passed: 3, failed: 0, skipped: 1 }, { passed: 4, failed: 1, skipped: 0 }];
  expect(closingLine(sum(layers))).toBe('7 passed, 1 failed, 1 skipped');
});
