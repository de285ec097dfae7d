/** Processes of this node, as proc(5) shows them: each known by its number and the time at which it started. */
import { closeSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { SystemError } from '../kernel/libc.ts';
import { openProcess, signalProcess } from '../kernel/process-calls.ts';
import type { ListedProcess, Processes, ProcessRef, SignalName } from '../../contract/host.ts';

/** What proc_pid_stat(5) says of one process, by the number of the field. */
export interface ProcessStat {
  readonly pid: number;
  /** One letter: R, S, D, Z, X and others. */
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly startTime: string;
  /** CPU time of it and of the children that it has waited for, in clock ticks. */
  readonly ticks: number;
}

/** Undefined when there is no such process. */
export function readStat(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The name is in parentheses and may hold anything; the first field behind it is number 3.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (number: number): string => fields[number - 3] ?? '';
  const ticks = [14, 15, 16, 17].reduce((sum, number) => sum + Number(field(number)), 0);
  return { pid, state: field(3), parent: Number(field(4)), group: Number(field(5)), startTime: field(22), ticks };
}

const isDead = ({ state }: ProcessStat): boolean => state === 'Z' || state === 'X';

/** The living processes of the node. */
export function livingProcesses(): ProcessStat[] {
  return readdirSync('/proc').flatMap((name) => {
    const stat = /^\d+$/.test(name) ? readStat(Number(name)) : undefined;
    return stat === undefined || isDead(stat) ? [] : [stat];
  });
}

/** The living processes of a group. */
export function membersOf(group: number): ProcessStat[] {
  return livingProcesses().filter((stat) => stat.group === group);
}

function isAlive({ pid, startTime }: ProcessRef): boolean {
  const stat = readStat(pid);
  return stat !== undefined && stat.startTime === startTime && !isDead(stat);
}

function signal(process: ProcessRef, name: SignalName): boolean {
  let pidfd: number;
  try {
    pidfd = openProcess(process.pid);
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
  try {
    // From here on the descriptor means one process; is it the one that was meant?
    if (!isAlive(process)) return false;
    signalProcess(pidfd, constants.signals[`SIG${name}`]);
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  } finally {
    closeSync(pidfd);
  }
}

const isGone = (error: unknown): boolean => error instanceof SystemError && error.code === 'ESRCH';

function seenBy(process: ProcessRef): ListedProcess[] {
  const namespace = namespaceOf(process.pid);
  if (namespace === undefined || !isAlive(process)) return [];
  return livingProcesses()
    .filter(({ pid }) => namespaceOf(pid) === namespace)
    .flatMap(({ pid }) => {
      const entry = listedOf(pid);
      return entry === undefined ? [] : [entry];
    })
    .toSorted((a, b) => a.pid - b.pid);
}

function namespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}

/** Undefined when it ended meanwhile. */
function listedOf(pid: number): ListedProcess | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const words = (name: string): string[] =>
      new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1]?.split(/\s+/) ?? [];
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim();
    return {
      // Its number in each namespace, the innermost last.
      pid: Number(words('NSpid').at(-1) ?? pid),
      uid: Number(words('Uid')[0] ?? 0),
      command: command === '' ? `[${words('Name')[0] ?? ''}]` : command,
    };
  } catch {
    return undefined;
  }
}

/** The processes of this node. */
export const processes: Processes = {
  find(pid) {
    const stat = readStat(pid);
    return stat === undefined || isDead(stat) ? undefined : { pid, startTime: stat.startTime };
  },
  isAlive,
  signal,
  seenBy,
};

/** See `Host.oomScoreAdjOf`; 0 when the process is gone. */
export function oomScoreAdjOf({ pid }: ProcessRef): number {
  try {
    return Number(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8'));
  } catch {
    return 0;
  }
}
