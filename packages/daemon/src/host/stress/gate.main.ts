/** The gate: a process that joins a cgroup, will die with its parent, and then becomes the stressor that it was started for. */
import { readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keepOnExec } from '../kernel/ffi.ts';
import { dieWithParent } from '../kernel/process-calls.ts';
import { markOf, spentMark, type GateOrder } from './gate.ts';

const [order = '{}', program = '', ...args] = process.argv.slice(2);
const { parent, cgroup, oomScoreAdj, kept, owner } = JSON.parse(order) as GateOrder;

const die = (): void => {
  dieWithParent();
  // It may have died before the signal was armed.
  if (process.ppid !== parent) process.exit(1);
};
die();

const setScore = (): void => {
  try {
    writeFileSync('/proc/self/oom_score_adj', String(oomScoreAdj));
  } catch {
    // Lowering it takes CAP_SYS_RESOURCE; the daemon's own score is kept then.
  }
};
setScore();
for (const fd of kept) keepOnExec(fd);
// Last of all: what was allocated before stays accounted for where it was, and is gone with the exec.
for (const folder of cgroup) {
  try {
    writeFileSync(join(folder, 'cgroup.procs'), String(process.pid));
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    process.stderr.write(`the cgroup ${folder} cannot be joined: ${code}`);
    process.exit(1);
  }
}
if (owner !== undefined) {
  process.setgroups?.([]);
  process.setgid?.(owner.gid);
  process.setuid?.(owner.uid);
  // The kernel forgets it with a change of the user: PR_SET_PDEATHSIG(2const).
  die();
}
if (process.execve === undefined) throw new Error(`${readlinkSync('/proc/self/exe')} has no process.execve`);
const { user, system } = process.cpuUsage();
const marks = { ...markOf(process.pid), ...spentMark((user + system) / 1000) };
process.execve(program, [program, ...args], { PATH: '/usr/bin:/bin', LC_ALL: 'C', ...marks });
