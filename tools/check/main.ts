/**
 * `npm run check`: the fast inner loop – everything static, and the pure tests, at the same time. With `--changed`, formatted,
 * linted and tested is what differs from the last commit, and what imports it.
 */
import { join } from 'node:path';
import { closingLine, sum } from '../test/counts.ts';
import { runJest } from '../test/jest.ts';
import { changedFiles } from './changed.ts';
import { runStatic } from './static.ts';

const root = join(import.meta.dirname, '..', '..');
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const controller = new AbortController();
process.on('SIGINT', () => controller.abort());
const { signal } = controller;

const known = ['--changed'];
const unknown = process.argv.slice(2).filter((word) => !known.includes(word));
if (unknown.length > 0) {
  say(`error: ${unknown.join(' ')} is not known here; allowed: ${known.join(', ')}, or nothing`);
  process.exit(2);
}
const changed = process.argv.includes('--changed') ? await changedFiles(root) : undefined;
if (changed !== undefined) say(`${changed.length} files differ from the last commit`);

const sources = changed?.filter((path) => /\.ts$/.test(path)).map((path) => join(root, path));
const [settled, tested] = await Promise.all([
  runStatic(root, { say, signal, ...(changed === undefined ? {} : { changed }) }),
  runJest({
    ...{ root, project: 'pure', workers: 2, limitMs: 600_000, signal, runId: 'check' },
    ...(sources === undefined ? {} : { relatedTo: sources }),
  }),
]);
const total = sum([settled, tested]);
for (const failure of total.failures ?? []) say(`failed: ${failure}`);
process.stdout.write(`${closingLine(total)}\n`);
process.exit(total.failed === 0 ? 0 : 1);
