/** `npm run check`: the fast inner loop – everything static, and the pure tests, at the same time. */
import { join } from 'node:path';
import { closingLine, sum } from '../test/counts.ts';
import { runJest } from '../test/jest.ts';
import { runStatic } from './static.ts';

const root = join(import.meta.dirname, '..', '..');
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const controller = new AbortController();
process.on('SIGINT', () => controller.abort());
const { signal } = controller;

const results = await Promise.all([
  runStatic(root, say, signal),
  runJest({ root, project: 'pure', workers: 2, limitMs: 600_000, signal, runId: 'check' }),
]);
const total = sum(results);
process.stdout.write(`${closingLine(total)}\n`);
process.exit(total.failed === 0 ? 0 : 1);
