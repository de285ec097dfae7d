/** How a stressor has ended, in words that follow "until". */
import { expect, test } from '@jest/globals';
import { endingWords } from './ending-words.ts';

const quiet = { oomKills: 0, oomKillsAll: false, there: true, container: 'app' };
const killed = { ...quiet, oomKills: 2 };

test.each([
  ['its container ended', { ...quiet, end: 'container', there: false }],
  ['the stressor was ended by others (SIGKILL)', { ...quiet, end: { how: 'SIGKILL' } }],
  ['the stressor was ended by others (SIGTERM)', { ...killed, end: { how: 'SIGTERM' } }],
  ['the stressor (SIGKILL) and container app ended together', { ...quiet, end: { how: 'SIGKILL' }, there: false }],
  [
    'memory ran out and the kernel killed the stressor (2 OOM kills in its cgroup); container app runs on',
    { ...killed, end: { how: 'exit code 0' } },
  ],
  [
    'memory ran out and the kernel killed the stressor (2 OOM kills in its cgroup)',
    { ...killed, end: { how: 'SIGKILL' }, container: undefined },
  ],
  [
    'memory ran out and the kernel killed container app (2 OOM kills in its cgroup)',
    { ...killed, end: 'container', there: false },
  ],
  [
    'memory ran out and the kernel killed the stressor and container app (2 OOM kills in its cgroup)',
    { ...killed, end: 'container', there: false, oomKillsAll: true },
  ],
  [
    'memory ran out and the kernel killed the stressor and container app (2 OOM kills in its cgroup)',
    { ...killed, end: { how: 'SIGKILL' }, there: false },
  ],
] as const)('%s', (words, end) => {
  expect(endingWords(end)).toBe(words);
});
