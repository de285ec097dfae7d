import { expect, test } from '@jest/globals';
import { wrongCommits } from './commits.ts';

const commit = (subject: string, body: string, lines: number): string =>
  `\x01abc1234\0${subject}\0${body}\0\n\n 2 files changed, ${lines} insertions(+), 1 deletion(-)\n`;

test.each([
  ['a small change needs no body', commit('daemon: a typo', '', 3), []],
  ['a change with a body', commit('daemon: a door', 'Why it is needed.\n', 200), []],
  [
    'a large change without one',
    commit('daemon: a door', '\n', 200),
    ['abc1234: 201 lines changed, and no body says why'],
  ],
  [
    'a long subject',
    commit(`daemon: ${'x'.repeat(65)}`, 'Why.', 3),
    ['abc1234: the subject has 73 characters, at most 72'],
  ],
  ['several', commit('a', 'b', 30) + commit('a', '', 20), ['abc1234: 21 lines changed, and no body says why']],
  ['none', '', []],
])('%s', (_name, log, wrong) => {
  expect(wrongCommits(log)).toEqual(wrong);
});
