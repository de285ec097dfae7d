/** Stressors for real: stress-ng, started through the gate so that no process of it ever runs outside its cgroup. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { ChaosError, systemClock } from '@chaosplane/common';
import type { ProcessRef, StressorOrder, Stressors, StressorUsage } from './host.ts';
import { markOf, type GateOrder } from '../process/gate.ts';
import { membersOf, readStat, type ProcessStat } from './processes.ts';

const FOLDERS = ['/usr/bin', '/usr/local/bin'] as const;

/**
 * Where stress-ng is. Not from PATH: the daemon runs as root, and who starts it must not choose the program.
 * @throws ChaosError FAILED_PRECONDITION when it is not installed.
 */
export function stressProgram(): string {
  const program = FOLDERS.map((folder) => `${folder}/stress-ng`).find((path) => existsSync(path));
  if (program !== undefined) return program;
  throw new ChaosError('FAILED_PRECONDITION', 'the program stress-ng is missing: apt-get install stress-ng');
}

/** Beside this file in a bundle, and in a folder beside it in the sources. */
function gateProgram(): string {
  const extension = extname(import.meta.filename);
  const beside = extension === '.ts' ? `../process/gate.main${extension}` : `gate.main${extension}`;
  return join(import.meta.dirname, beside);
}

/** How long a stressor has to start, and how long to end after it was asked to. */
const START_MS = 20_000;
const ASKED_MS = 1000;
const KILLED_MS = 10_000;
const LOOK_EVERY_MS = 5;

/** What the child finds as its descriptor 3. */
const FOLDER_FD = 3;

async function start({ args, cgroup, oomScoreAdj, folder, lifeMs }: StressorOrder): Promise<ProcessRef> {
  const program = stressProgram();
  const life = ['--timeout', `${Math.max(1, Math.ceil(lifeMs / 1000))}s`];
  const place = ['--temp-path', folder === undefined ? '/tmp' : `/proc/self/fd/${FOLDER_FD}`];
  const kept = folder === undefined ? [] : [FOLDER_FD];
  const order = JSON.stringify({ parent: process.pid, cgroup, oomScoreAdj, kept } satisfies GateOrder);
  // From the main thread: the parent-death signal follows the thread that started the process.
  const child = spawn(
    process.execPath,
    ['--no-warnings', gateProgram(), order, program, '--quiet', '--no-oom-adjust', ...place, ...life, ...args],
    {
      // A group of its own, so that it can be ended as a whole.
      detached: true,
      cwd: '/',
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'pipe', ...(folder === undefined ? [] : [folder.fd])],
    },
  );
  child.unref();
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (text: Buffer) => (said = `${said}${text.toString()}`.slice(-1000)));
    (stream as unknown as { unref?: () => void } | null)?.unref?.();
  }
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) =>
      resolve(`${signal ?? `exit code ${code ?? '?'}`}: ${said.trim() || 'no word'}`),
    );
  });
  const pid = child.pid;
  if (pid === undefined) throw new ChaosError('INTERNAL', `the stressor did not start: ${await ended}`);
  const startTime = readStat(pid)?.startTime ?? '';
  const stressor = { pid, startTime };
  const how = await Promise.race([ended, working(stressor)]);
  if (how === undefined) return stressor;
  await end(stressor);
  throw new ChaosError('FAILED_PRECONDITION', `the stressor ended at once (${how})`);
}

/** Resolves with nothing once workers run; they are forked by stress-ng, which the gate has become. */
async function working({ pid }: ProcessRef): Promise<string | undefined> {
  const deadline = systemClock.monotonic() + START_MS;
  while (membersOf(pid).length < 2) {
    if (systemClock.monotonic() > deadline) return `no worker within ${START_MS / 1000} s`;
    await systemClock.sleep(LOOK_EVERY_MS);
  }
  return undefined;
}

/** USER_HZ is 100 everywhere. */
const TICK_MS = 10;

function usage(stressor: ProcessRef): StressorUsage {
  const members = groupOf(stressor);
  const sum = (of: (pid: number) => number): number => members.reduce((total, { pid }) => total + of(pid), 0);
  return {
    processes: members.length,
    cpuMs: members.reduce((total, { ticks }) => total + ticks * TICK_MS, 0),
    residentBytes: sum(
      (pid) => 1024 * (number(pid, 'status', /^RssAnon:\s*(\d+)/m) + number(pid, 'status', /^RssShmem:\s*(\d+)/m)),
    ),
    writtenBytes: sum((pid) => number(pid, 'io', /^wchar: (\d+)/m)),
  };
}

function number(pid: number, file: string, pattern: RegExp): number {
  try {
    return Number(pattern.exec(readFileSync(`/proc/${pid}/${file}`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/**
 * The members of its group, if it is this stressor's group at all: its number may have been given to another process since.
 * When the leader is dead, its workers are known by the mark that the gate left in their environment.
 */
function groupOf(stressor: ProcessRef): ProcessStat[] {
  const leader = readStat(stressor.pid);
  if (leader !== undefined) return leader.startTime === stressor.startTime ? membersOf(stressor.pid) : [];
  return membersOf(stressor.pid).filter(({ pid }) => environmentOf(pid).includes(markOf(stressor.pid)));
}

function environmentOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

async function end(stressor: ProcessRef): Promise<void> {
  for (const [signal, waitMs] of [
    ['SIGTERM', ASKED_MS],
    ['SIGKILL', KILLED_MS],
  ] as const) {
    for (const { pid } of groupOf(stressor)) kill(pid, signal);
    const deadline = systemClock.monotonic() + waitMs;
    while (systemClock.monotonic() < deadline) {
      if (groupOf(stressor).length === 0) return;
      await systemClock.sleep(LOOK_EVERY_MS);
    }
  }
  throw new ChaosError(
    'INTERNAL',
    `the stressor ${stressor.pid} survives SIGKILL: is one of its processes stuck in I/O?`,
  );
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** The stressors of this node. */
export const stressors: Stressors = { start, usage, end };
