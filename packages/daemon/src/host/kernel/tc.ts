/** Traffic control through the program tc, spawned inside a network namespace, never through a shell. */
import { existsSync } from 'node:fs';
import { ChaosError } from '@chaosplane/common';
import type { NetnsHandle } from './netns.ts';

/** A program that failed. */
export class CommandError extends Error {
  readonly command: string;
  /** Absent when it was killed, or did not end in time. */
  readonly exitCode: number | undefined;
  readonly stderr: string;
  /** The line of the batch that failed, from 1; absent when the program named none. */
  readonly line: number | undefined;

  constructor(command: string, exitCode: number | undefined, stderr: string, line?: number) {
    super(`${command} failed (${exitCode === undefined ? 'no exit code' : `exit code ${exitCode}`}): ${stderr.trim()}`);
    this.name = 'CommandError';
    this.command = command;
    this.exitCode = exitCode;
    this.stderr = stderr;
    this.line = line;
  }
}

const TIMEOUT_MS = 10_000;
const FOLDERS = ['/usr/sbin', '/sbin', '/usr/bin', '/bin'] as const;
const BATCH_LINE = /^[A-Za-z0-9 .:/%_-]+$/;

let program: string | undefined;

/**
 * Where tc is. Not from PATH: the daemon runs as root, and who starts it must not choose the program.
 * @throws ChaosError FAILED_PRECONDITION when it is not installed.
 */
export function tcProgram(): string {
  program ??= FOLDERS.map((folder) => `${folder}/tc`).find((path) => existsSync(path));
  if (program !== undefined) return program;
  throw new ChaosError('FAILED_PRECONDITION', 'the program tc is missing: install it (apt-get install iproute2)');
}

/**
 * Runs tc commands (without the word tc) as one batch; see tc(8) -batch. It stops at the first that fails.
 * @throws CommandError
 */
export async function tcBatch(netns: NetnsHandle, commands: readonly string[]): Promise<void> {
  if (commands.length === 0) return;
  const odd = commands.find((command) => !BATCH_LINE.test(command));
  if (odd !== undefined) throw new Error(`not a tc command of ours: ${JSON.stringify(odd)}`);
  await runTc(netns, commands);
}

async function runTc(netns: NetnsHandle, lines: readonly string[]): Promise<void> {
  // Not before it is needed: where the kernel has no netem, and while nothing is shaped, its 2 MB are saved.
  const { execa } = await import('execa');
  const [file, argv] = [tcProgram(), ['-batch', '-']];
  const options = {
    input: lines.map((line) => `${line}\n`).join(''),
    env: { LC_ALL: 'C' },
    extendEnv: false,
    reject: false,
    timeout: TIMEOUT_MS,
  } as const;
  // The child is spawned before execa returns, so it starts inside the namespace and stays there.
  const result = await netns.within(() => execa(file, argv, options));
  if (!result.failed) return;
  const words = result.timedOut
    ? `it did not end within ${TIMEOUT_MS / 1000} s`
    : result.stderr || (result.shortMessage ?? '');
  const line = /Command failed -:(\d+)/.exec(result.stderr)?.[1];
  const failed = line === undefined ? undefined : lines[Number(line) - 1];
  const command = `tc ${failed ?? argv.join(' ')}`;
  throw new CommandError(command, result.exitCode, words, line === undefined ? undefined : Number(line));
}
