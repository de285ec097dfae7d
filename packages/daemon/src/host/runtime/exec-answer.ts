/** What runtimes answer to ExecSync, made one: each tells a missing program, a timeout and a long output in its own way. Pure. */
import { ChaosError } from '@chaosplane/common';
import type { cri } from '@chaosplane/proto';
import { Status, type ClientError } from 'nice-grpc';
import type { ExecResult } from '../../contract/host.ts';

/** How long a command may take. */
export const EXEC_SECONDS = 10;

/** When the runtime itself is late by so much, its answer is not waited for. */
export const EXEC_PATIENCE_MS = 2000;

/** Below it no runtime cuts an output, or loses it: CRI-O 1.34 cuts at some 11 MB without a word, containerd loses 16 MiB. */
const MOST_BYTES = 4 * 2 ** 20;

/** How CRI-O says that a command took too long: it answers with success, this code and these words. */
const CRIO_TIMEOUT = { exitCode: -1, stderr: 'command timed out' } as const;

/** How runc and crun say that there is no such program, within what the runtime says. */
const NO_PROGRAM = /executable file .*not found|no such file or directory/;

/** @throws ChaosError as `ContainerRuntime.exec` says. */
export function execResult(argv: readonly string[], answer: cri.ExecSyncResponse): ExecResult {
  const [stdout, stderr] = [Buffer.from(answer.stdout), Buffer.from(answer.stderr)];
  if (stdout.length + stderr.length > MOST_BYTES) throw tooLong(argv);
  const { exitCode } = answer;
  if (exitCode === CRIO_TIMEOUT.exitCode && stderr.includes(CRIO_TIMEOUT.stderr)) throw tooLate(argv);
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

/** What a refusal of the runtime means; undefined: nothing that is about the command. */
export function execFailure(argv: readonly string[], error: ClientError): ChaosError | undefined {
  if (error.code === Status.DEADLINE_EXCEEDED) return tooLate(argv, error);
  if (error.code === Status.RESOURCE_EXHAUSTED) return tooLong(argv, error);
  if (!NO_PROGRAM.test(error.details)) return undefined;
  return new ChaosError('FAILED_PRECONDITION', `the container has no program ${argv[0] ?? ''}`, { cause: error });
}

/** A command that took too long, or whose output something holds open that it started. */
export function tooLate(argv: readonly string[], cause?: unknown): ChaosError {
  const why = `${argv.join(' ')} did not end within ${EXEC_SECONDS} s in the container`;
  return new ChaosError('DEADLINE_EXCEEDED', why, { cause });
}

function tooLong(argv: readonly string[], cause?: unknown): ChaosError {
  const why = `${argv.join(' ')} printed more than ${MOST_BYTES / 2 ** 20} MiB in the container, which no runtime passes on in full`;
  return new ChaosError('FAILED_PRECONDITION', why, { cause });
}
