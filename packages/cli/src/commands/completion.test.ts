/** What a shell is offered. */
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { machineClock, type Surroundings } from './options.ts';
import { Command } from 'commander';
import { addCompletion } from './completion.ts';
import { addNode } from './node.ts';
import { addRun } from './run.ts';

let lines: string[];

beforeEach(() => {
  lines = [];
  const take = (text: unknown): boolean => lines.push(...String(text).trimEnd().split('\n')) > 0;
  jest.spyOn(console, 'log').mockImplementation(take);
  jest.spyOn(process.stdout, 'write').mockImplementation(take);
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** What is printed for these words. */
async function offered(...words: readonly string[]): Promise<string[]> {
  const program = new Command('chaosplane').exitOverride();
  const surroundings = {
    calledAs: 'chaosplane',
    clock: machineClock,
    out: process.stdout,
    err: process.stderr,
  } as unknown as Surroundings;
  addRun(program, surroundings, () => undefined);
  addNode(program, surroundings, () => undefined);
  addCompletion(program);
  lines = [];
  await program.parseAsync(['node', 'chaosplane', ...words]);
  return lines;
}

test('commands, each with one line about it', async () => {
  const [first, second, ...rest] = await offered('complete', '--', '');
  expect(first).toMatch(/^run\tRuns the experiments of a YAML or JSON file/);
  expect([second, ...rest].filter((line) => !/^[a-z]+\t.+$|^:\d+$/.test(line ?? ''))).toEqual([]);
});

test('actions by their names, flags, and the values that a flag takes', async () => {
  const actions = await offered('complete', '--', 'actions', 'pod-http-');
  expect(actions.map((line) => line.split('\t')[0])).toEqual(['pod-http-abort', 'pod-http-delay', ':4']);
  expect(await offered('complete', '--', 'run', '--out')).toEqual(['--output\thow results are printed', ':4']);
  expect(await offered('complete', '--', 'run', '--output=')).toEqual(['text', 'json', ':4']);
});

test('files, for what is run', async () => {
  expect(await offered('complete', '--', 'run', 'exa')).toEqual([':0']);
  expect(await offered('complete', '--', 'run', '')).toEqual([':0']);
});

test.each(['bash', 'zsh', 'fish'])('the script for %s asks this command', async (shell) => {
  expect((await offered('completion', shell)).join('\n')).toMatch(/chaosplane complete --/);
});
