/** Processes that a killed run has left are found by their environment, and no others. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { endStrays, marksIn, marksOf } from './strays.ts';

test('marks are read back, and what has none was started by no test', () => {
  const environ = Object.entries(marksOf('a1b2c3')).map(([name, value]) => `${name}=${value}`);
  expect(marksIn(['PATH=/bin', ...environ, ''].join('\0'))).toEqual({ runId: 'a1b2c3', runner: process.pid });
  expect(marksIn('PATH=/bin\0CHAOSPLANE_TEST_RUN=a1b2c3\0')).toBeUndefined();
  expect(marksIn('')).toBeUndefined();
});

test('a process with the marks of a run is ended, one of another run is not', async () => {
  const [mine, other] = ['stray-test-mine', 'stray-test-other'].map((runId) =>
    spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { env: marksOf(runId), stdio: 'ignore' }),
  );
  try {
    await Promise.all([once(mine!, 'spawn'), once(other!, 'spawn')]);
    const ended = once(mine!, 'exit');
    expect(await endStrays(({ runId }) => runId === 'stray-test-mine')).toEqual([
      expect.stringContaining(`process ${mine?.pid ?? 0} `),
    ]);
    expect(await ended).toEqual([null, 'SIGKILL']);
    expect(other?.exitCode).toBeNull();
    expect(other?.signalCode).toBeNull();
  } finally {
    mine?.kill('SIGKILL');
    other?.kill('SIGKILL');
  }
});
