import { expect, test } from '@jest/globals';
import { aptLine, aptStatus } from './apt.ts';

test.each([
  ['dlstatus:1:20.5:Retrieving file 1 of 9', { doing: 'fetching', percent: 20.5 }],
  ['pmstatus:conmon:60:Unpacking conmon (amd64)', { doing: 'installing', percent: 60 }],
  ['media-change: please insert', undefined],
  ['pmerror:conmon:60:it failed', undefined],
])('what apt-get tells in %s', (line, expected) => {
  expect(aptStatus(line)).toEqual(expected);
});

test.each([
  [{ doing: 'fetching', percent: 20 }, 10_000, 'apt-get: fetching, 20 %, about 40 s to go'],
  [{ doing: 'installing', percent: 1 }, 10_000, 'apt-get: installing, 1 %'],
] as const)('of %j after %d ms people read a line', (status, elapsedMs, line) => {
  expect(aptLine(status, elapsedMs)).toBe(line);
});
