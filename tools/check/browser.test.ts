/** What people write and read, and what happens next, reach a browser with nothing of Node.js in it, through all that it imports. */
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { execa } from 'execa';

const root = join(import.meta.dirname, '..', '..');

test.each(['api', 'lifecycle'])('packages/%s can be bundled for a browser', async (name) => {
  const entry = `packages/${name}/src/index.ts`;
  // A builtin module is an error: for a browser esbuild finds none.
  const { stdout } = await execa(
    'node_modules/.bin/esbuild',
    [entry, '--bundle', '--platform=browser', '--format=esm', '--log-level=error'],
    { cwd: root },
  );
  expect(stdout).toContain('ChaosExperiment');
});
