/** Stressors for real: stress-ng, started through the gate so that no process of it ever runs outside its cgroup. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { ChaosError, systemClock } from '@chaosplane/common';
import type { Cgroup, ProcessRef, StressorOrder, Stressors, StressorUsage } from '../../contract/host.ts';
import { room } from './cgroup-accounts.ts';
import { isMarked, spentIn, type GateOrder } from './gate.ts';
import { livingProcesses, membersOf, readStat, type ProcessStat } from './processes.ts';

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

/** Beside this file, in the sources and in a bundle. */
function gateProgram(): string {
  const extension = extname(import.meta.filename);
  return join(import.meta.dirname, `gate.main${extension}`);
}

/** How long a stressor has to start, and how long to end after it was asked to. */
const START_MS = 60_000;
/** How long no further worker may have come when its cgroup has no room for one. */
const STUCK_MS = 5000;
const ASKED_MS = 1000;
const KILLED_MS = 10_000;
const LOOK_EVERY_MS = 5;
const LOOK_LATE_MS = 100;

/** A worker that the kernel kills when memory runs out is not started again: it would be, many times in a second. */
const ALWAYS = ['--quiet', '--no-oom-adjust', '--oomable'];

/** What the child finds as its descriptor 3. */
const FOLDER_FD = 3;

async function start(order: StressorOrder): Promise<ProcessRef> {
  const { args, cgroup, oomScoreAdj, folder, lifeMs } = order;
  const program = stressProgram();
  const life = ['--timeout', `${Math.max(1, Math.ceil(lifeMs / 1000))}s`];
  const place = ['--temp-path', folder === undefined ? '/tmp' : `/proc/self/fd/${FOLDER_FD}`];
  const kept = folder === undefined ? [] : [FOLDER_FD];
  const owner = folder?.owner === undefined ? {} : { owner: folder.owner };
  const gate = JSON.stringify({ parent: process.pid, cgroup, oomScoreAdj, kept, ...owner } satisfies GateOrder);
  // From the main thread: the parent-death signal follows the thread that started the process.
  const child = spawn(
    process.execPath,
    ['--no-warnings', gateProgram(), gate, program, ...ALWAYS, ...place, ...life, ...args],
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
      resolve([signal ?? `exit code ${code ?? '?'}`, said.trim()].filter((words) => words !== '').join(': ')),
    );
  });
  // Not when its output ends, which a worker may still have: counters of its cgroup may be gone by then.
  child.once('exit', (code, signal) => order.ended?.(signal ?? `exit code ${code ?? '?'}`));
  const pid = child.pid;
  if (pid === undefined) throw new ChaosError('INTERNAL', `the stressor did not start: ${await ended}`);
  const startTime = readStat(pid)?.startTime ?? '';
  const stressor = { pid, startTime };
  const why = await Promise.race([ended.then((how) => `it ended at once (${how})`), working(stressor, order)]);
  if (why === undefined) return stressor;
  await end(stressor);
  throw new ChaosError('FAILED_PRECONDITION', `the stressor did not start: ${why}`);
}

/**
 * Resolves with nothing once all workers run; they are forked by stress-ng, which the gate becomes. On a busy node, the first one may
 * take its time.
 */
async function working({ pid }: ProcessRef, { workers, cgroup, lifeMs }: StressorOrder): Promise<string | undefined> {
  const mostMs = Math.min(START_MS, lifeMs);
  let running = -1;
  let since = systemClock.monotonic();
  for (;;) {
    const now = isStressor(pid) ? workersOf(pid, membersOf(pid)) : -1;
    if (now >= workers) return undefined;
    if (now > running) [running, since] = [now, systemClock.monotonic()];
    const waited = systemClock.monotonic() - since;
    // stress-ng tries to start a worker for ever, and then does not end by its own timeout either.
    if (waited > STUCK_MS && running >= 0 && isFull(cgroup))
      return `only ${running} of ${workers} workers could be started: the limit of processes is reached (pids.max). Ask for fewer`;
    if (waited > mostMs) break;
    // Each look reads all of /proc.
    await systemClock.sleep(waited < 1000 ? LOOK_EVERY_MS : LOOK_LATE_MS);
  }
  if (running < 0) return `it has not joined its cgroup within ${mostMs / 1000} s`;
  const left = 'the node is busy, or lets no further process run';
  return `only ${running} of ${workers} workers could be started within ${mostMs / 1000} s: ${left}`;
}

const isFull = (cgroup: Cgroup): boolean => (room(cgroup).tasks?.free ?? Infinity) <= 0;

/** Whether the gate has become it. */
function isStressor(pid: number): boolean {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`)) === 'stress-ng';
  } catch {
    return false;
  }
}

const workersOf = (leader: number, members: readonly ProcessStat[]): number =>
  members.filter(({ parent }) => parent === leader).length;

/** USER_HZ is 100 everywhere. */
const TICK_MS = 10;

let looked: { readonly at: number; readonly processes: readonly ProcessStat[] } = { at: -Infinity, processes: [] };

/** Stressors that are looked at together share one look at the node. */
function recentProcesses(): readonly ProcessStat[] {
  const at = systemClock.monotonic();
  if (at - looked.at > LOOK_EVERY_MS) looked = { at, processes: livingProcesses() };
  return looked.processes;
}

function usage(stressor: ProcessRef): StressorUsage {
  const members = groupOf(stressor, recentProcesses());
  const sum = (of: (stat: ProcessStat) => number): number => members.reduce((total, stat) => total + of(stat), 0);
  return {
    processes: members.length,
    workers: workersOf(stressor.pid, members),
    // The gate was at work elsewhere before it joined.
    cpuMs: Math.max(0, sum(({ ticks }) => ticks * TICK_MS) - spentIn(environmentOf(stressor.pid))),
    residentBytes: sum(
      ({ pid }) => 1024 * (number(pid, 'status', /^RssAnon:\s*(\d+)/m) + number(pid, 'status', /^RssShmem:\s*(\d+)/m)),
    ),
    writtenBytes: sum(({ pid }) => number(pid, 'io', /^wchar: (\d+)/m)),
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
function groupOf({ pid: group, startTime }: ProcessRef, living: readonly ProcessStat[] = livingProcesses()) {
  const leader = readStat(group);
  const members = living.filter((stat) => stat.group === group);
  if (leader !== undefined) return leader.startTime === startTime ? members : [];
  return members.filter(({ pid }) => isMarked(environmentOf(pid), group));
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
