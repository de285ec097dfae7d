/** Processes that outlive the one that started them: known by id and start time, because ids are used again. */
import { spawn } from 'node:child_process';
import { open, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '@chaosplane/common';
import { joinCgroups } from './cgroups.ts';

/** One process, never mistaken for another one with the same id. */
export interface ProcessIdentity {
  readonly pid: number;
  /** In clock ticks since the machine's start (proc(5), field 22 of stat). */
  readonly startTime: string;
}

/** State letter and start time; undefined when there is no such process. */
async function stat(pid: number): Promise<{ state: string; startTime: string } | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields[19] === undefined ? undefined : { state: fields[0] ?? '', startTime: fields[19] };
}

export async function identityOf(pid: number): Promise<ProcessIdentity> {
  return { pid, startTime: (await stat(pid))?.startTime ?? '' };
}

/** A zombie is not alive: where no parent reaps, they stay. */
export async function isAlive({ pid, startTime }: ProcessIdentity): Promise<boolean> {
  const now = await stat(pid);
  return now !== undefined && now.startTime === startTime && now.state !== 'Z' && now.state !== 'X';
}

/** How a background process is started. */
export interface Background {
  /** The cluster's folder: `run/NAME.json` names the process, `log/NAME.log` is what it says. */
  readonly folder: string;
  readonly name: string;
  readonly argv: readonly string[];
  /** The cgroup it joins first, by which it is found when the cluster is removed. */
  readonly cgroup: string;
}

/** Starts a process that has nothing to do with this one: own session, output to a file. */
export async function startBackground({ folder, name, argv, cgroup }: Background): Promise<void> {
  const log = await open(join(folder, 'log', `${name}.log`), 'a');
  try {
    const [command = '', ...words] = await joinCgroups(cgroup, argv);
    const child = spawn(command, words, { cwd: folder, detached: true, stdio: ['ignore', log.fd, log.fd] });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    if (child.pid !== undefined) await writeFile(pidFile(folder, name), JSON.stringify(await identityOf(child.pid)));
  } finally {
    await log.close();
  }
}

const pidFile = (folder: string, name: string): string => join(folder, 'run', `${name}.json`);

/** The process that was started under this name, when it still lives. */
export async function backgroundProcess(folder: string, name: string): Promise<ProcessIdentity | undefined> {
  const text = await readFile(pidFile(folder, name), 'utf8').catch(() => '');
  if (text === '') return undefined;
  const identity = JSON.parse(text) as ProcessIdentity;
  return (await isAlive(identity)) ? identity : undefined;
}

/** Kills it as a power cut would; resolves when it is gone. */
export async function killBackground(folder: string, name: string): Promise<void> {
  const identity = await backgroundProcess(folder, name);
  if (identity !== undefined) await killAll(async () => ((await isAlive(identity)) ? [identity.pid] : []));
  await rm(pidFile(folder, name), { force: true });
}

/** Kills what `find` finds until it finds nothing. Throws when something survives for ten seconds. */
export async function killAll(find: () => Promise<readonly number[]>): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (performance.now() < deadline) {
    const pids = await find();
    if (pids.length === 0) return;
    for (const pid of pids) kill(pid);
    await systemClock.sleep(20);
  }
  throw new Error(`these processes survive SIGKILL: ${(await find()).join(', ')}`);
}

/** SIGKILL; one that is gone already is success. */
export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Living processes in a cgroup of this name, or below it. */
export async function processesInCgroup(name: string): Promise<readonly number[]> {
  const found = await Promise.all(
    (await readdir('/proc')).map(async (entry) => {
      const pid = Number(entry);
      if (!Number.isInteger(pid)) return [];
      const text = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
      if (!new RegExp(`:/${name}(?:/|$)`, 'm').test(text)) return [];
      return (await isAlive(await identityOf(pid))) ? [pid] : [];
    }),
  );
  return found.flat();
}
