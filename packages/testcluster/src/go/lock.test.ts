import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { exists, withLock } from './lock.ts';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'lock-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

test('two that want the same lock work one after the other, and the second says that it waits', async () => {
  const path = join(folder, 'two');
  const said: string[] = [];
  let inside = 0;
  const work = async (): Promise<number> => {
    inside++;
    // On a busy machine the other one may take its time to meet the lock.
    for (let looks = 0; said.length === 0 && looks < 1000; looks++) await pause(5);
    return inside--;
  };
  const options = { report: (line: string) => void said.push(line) };
  expect(await Promise.all([withLock(path, options, work), withLock(path, options, work)])).toEqual([1, 1]);
  expect(said).toHaveLength(1);
  expect(await exists(path)).toBe(false);
});

test('a lock whose holder was killed is taken over', async () => {
  const path = join(folder, 'dead');
  await writeFile(path, JSON.stringify({ pid: 1, startTime: 'never' }));
  expect(await withLock(path, { report: () => undefined }, async () => 'done')).toBe('done');
});

test('waiting for a lock ends when it is given up', async () => {
  const path = join(folder, 'held');
  const giveUp = new AbortController();
  const options = { report: () => giveUp.abort(new Error('given up')), signal: giveUp.signal };
  await withLock(path, { report: () => undefined }, async () => {
    await expect(withLock(path, options, async () => undefined)).rejects.toThrow('given up');
  });
});
