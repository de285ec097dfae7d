/** Signals to the command while it waits for an operator that is away: it leaves, with the exit code that shells give the signal. */
import { join } from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { eventually } from '@chaosplane/testkit/eventually';
import { execa } from 'execa';
import { startApiServer, type ApiServer } from '../api-server.ts';
import { experiment, isAsked, PATH } from '../slow.ts';

jest.setTimeout(60_000);

const PROGRAM = join(import.meta.dirname, '../../src/main.ts');

let api: ApiServer;
beforeEach(async () => {
  api = await startApiServer();
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

const chaosplane = (argv: readonly string[], input = '') =>
  execa(process.execPath, [PROGRAM, ...argv], { env: { KUBECONFIG: api.kubeconfig }, input, reject: false });

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('abort ends at %s with %d, and tells how to look', async (signal, code) => {
  api.set(PATH, experiment);
  const running = chaosplane(['abort', 'slow']);
  await isAsked(api);
  running.kill(signal);
  const { exitCode, stderr } = await running;
  expect([exitCode, stderr]).toEqual([
    code,
    expect.stringMatching(
      /asked for and goes on in the cluster; chaosplane describe slow -n shop tells how far it is$/,
    ),
  ]);
  expect(stderr).not.toContain('undoing');
});

test('run on a cluster asks for the abort at the first SIGTERM, and leaves at the second', async () => {
  const running = chaosplane(['run', '-', '--cluster'], JSON.stringify(experiment));
  let told = '';
  running.stdout.on('data', (text) => (told += String(text)));
  await api.watched();
  running.kill('SIGTERM');
  await isAsked(api);
  await eventually('it tells what it waits for', () => Promise.resolve(told.includes('waiting: slow: ') || undefined));
  running.kill('SIGTERM');
  const { exitCode, stderr } = await running;
  expect([exitCode, stderr]).toEqual([143, expect.stringContaining('goes on in the cluster')]);
  expect(stderr).not.toContain('undoing');
});
