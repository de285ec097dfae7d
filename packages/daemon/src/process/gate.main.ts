/** The gate: a process that joins a cgroup, will die with its parent, and then becomes the stressor that it was started for. */
import { readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dieWithParent, keepOnExec } from '../host/ffi.ts';
import { markOf, type GateOrder } from './gate.ts';

const [order = '{}', program = '', ...args] = process.argv.slice(2);
const { parent, cgroup, oomScoreAdj, kept } = JSON.parse(order) as GateOrder;

dieWithParent();
// It may have died before the signal was armed.
if (process.ppid !== parent) process.exit(1);

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
for (const folder of cgroup) writeFileSync(join(folder, 'cgroup.procs'), String(process.pid));
if (process.execve === undefined) throw new Error(`${readlinkSync('/proc/self/exe')} has no process.execve`);
const [name = '', value = ''] = markOf(process.pid).split('=');
process.execve(program, [program, ...args], { PATH: '/usr/bin:/bin', LC_ALL: 'C', [name]: value });
