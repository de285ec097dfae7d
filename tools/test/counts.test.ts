import { expect, test } from '@jest/globals';
import { closingLine, countsOf, none, sum } from './counts.ts';

const report = {
  numPassedTests: 0,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  numRuntimeErrorTestSuites: 0,
  testResults: [],
};

test('a layer in which nothing ran has failed', () => {
  expect(countsOf(report)).toMatchObject({ passed: 0, failed: 1, skipped: 0 });
  expect(countsOf({ ...report, numPendingTests: 5 })).toMatchObject({ passed: 0, failed: 1, skipped: 5 });
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

test('what failed is named, with the beginning of its error', () => {
  const file = { name: '/anywhere/life.test.ts', message: '', status: 'failed' };
  const passed = { fullName: 'begins', status: 'passed', failureMessages: [] };
  const failed = {
    fullName: 'a life ends',
    status: 'failed',
    failureMessages: [
      'Error: expect(\u001b[31mreceived\u001b[39m).toBe(expected)\n\nExpected: 1\nReceived: 2\n    at Object.<anonymous>',
    ],
  };
  const unread = { name: '/anywhere/none.test.ts', message: 'no such module', status: 'failed', assertionResults: [] };
  const fine = { ...unread, status: 'passed', assertionResults: [passed] };
  const { failures } = countsOf({
    ...report,
    testResults: [{ ...file, assertionResults: [passed, failed] }, unread, fine],
  });
  expect(failures).toEqual([
    'life.test.ts: a life ends: Error: expect(received).toBe(expected) | Expected: 1 | Received: 2',
    'none.test.ts: no such module',
  ]);
  expect(sum([none, { ...none, failures: ['one'] }, { ...none, failures: ['two'] }]).failures).toEqual(['one', 'two']);
});
