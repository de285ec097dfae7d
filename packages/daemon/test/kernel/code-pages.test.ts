/** A process that has given the pages of its own program back goes on, with what it uses of them. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

const MIB = 1024;

test('what the start has left of the program is given back, again and again, and the process goes on', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [`${import.meta.dirname}/code-pages.main.ts`], {
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const { before, after, sums } = JSON.parse(stdout) as Readonly<Record<'before' | 'after' | 'sums', number[]>>;
  expect(before).toHaveLength(20);
  // What is resident of files, in kB: most of it is the program.
  for (const [index, kilobytes] of after.entries()) expect(kilobytes).toBeLessThan((before[index] ?? 0) - MIB);
  expect(after[0]).toBeLessThan((before[0] ?? 0) - 15 * MIB);
  expect(new Set(sums).size).toBe(1);
}, 60_000);
