/** Removes everything a test bed put on the machine, from nothing but its folder: also when its owner is dead. */
import { readFile, readdir, readlink, rm, rmdir, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { systemClock } from '@chaosplane/common';

/** What `testbed.json` in the folder says. */
export interface Marks {
  /** The name of the bridge, of the CNI network and of the cgroup; unique to one test bed. */
  name: string;
  /** Process id of the owner, and its start time in clock ticks since boot. */
  owner: { pid: number; startTime: string };
}

const orEmpty = <T>(found: Promise<T[]>): Promise<T[]> => found.catch(() => []);
const orBlank = (found: Promise<string>): Promise<string> => found.catch(() => '');

/** Start time of a process in clock ticks (proc(5), stat field 22); absent when it is gone or a zombie. */
export async function startTime(pid: number): Promise<string | undefined> {
  const stat = await orBlank(readFile(`/proc/${pid}/stat`, 'utf8'));
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? undefined : fields[19];
}

/** Of a runtime itself, and of what stands between it and the containers. */
const RUNTIMES = /^(containerd|crio|conmon|runc)/;

async function processesOf(folder: string, name: string): Promise<number[]> {
  const found: number[] = [];
  for (const entry of await readdir('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || (await startTime(pid)) === undefined) continue;
    const cgroup = await orBlank(readFile(`/proc/${pid}/cgroup`, 'utf8'));
    const program = basename(await orBlank(readlink(`/proc/${pid}/exe`)));
    const command = await orBlank(readFile(`/proc/${pid}/cmdline`, 'utf8'));
    if (cgroup.includes(`/${name}/`) || (RUNTIMES.test(program) && command.includes(`${folder}/`))) found.push(pid);
  }
  return found;
}

async function endProcesses(folder: string, name: string): Promise<void> {
  for (let round = 0; round < 100; round++) {
    const pids = await processesOf(folder, name);
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
    await systemClock.sleep(20);
  }
  throw new Error(`processes of ${folder} survive SIGKILL`);
}

/** Shim sockets and CNI's result cache have fixed places outside the folder; the bundles' names lead to them. */
async function removeTraces(folder: string, name: string): Promise<void> {
  const bundles = join(folder, 'state/io.containerd.runtime.v2.task/k8s.io');
  const ids = await orEmpty(readdir(bundles));
  for (const id of ids) {
    const address = (await orBlank(readFile(join(bundles, id, 'address'), 'utf8'))).trim();
    if (address.startsWith('unix:///run/containerd/s/')) await rm(address.slice('unix://'.length), { force: true });
  }
  for (const results of ['/var/lib/cni/results', '/var/lib/cni/cache/results']) {
    for (const file of await orEmpty(readdir(results))) {
      if (file.startsWith(`${name}-`) || ids.some((id) => file.includes(id)))
        await unlink(join(results, file)).catch(() => undefined);
    }
  }
}

async function unmount(folder: string): Promise<void> {
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  const points = table.split('\n').flatMap((line) => {
    const point = line.split(' ')[4];
    return point?.startsWith(`${folder}/`) === true ? [point] : [];
  });
  if (points.length > 0) await execa('umount', ['-l', '--', ...points.reverse()], { reject: false });
}

async function removeLinks(bridge: string): Promise<void> {
  const { stdout } = await execa('ip', ['-j', 'link', 'show', 'master', bridge], { reject: false });
  const links = stdout.trim() === '' ? [] : (JSON.parse(stdout) as { ifname?: string }[]);
  const names = links.flatMap(({ ifname }) => (ifname === undefined ? [] : [ifname]));
  for (const link of [...names, bridge]) await execa('ip', ['link', 'del', link], { reject: false });
}

async function removeCgroup(path: string): Promise<void> {
  for (const child of await orEmpty(readdir(path, { withFileTypes: true })))
    if (child.isDirectory()) await removeCgroup(join(path, child.name));
  // A cgroup stays busy for a moment after its last process has died.
  for (let round = 0; round < 50; round++) {
    const code = await rmdir(path).then(
      () => 'gone',
      (error: unknown) => (error as NodeJS.ErrnoException).code,
    );
    if (code !== 'EBUSY') return;
    await systemClock.sleep(20);
  }
}

/** Removes the test bed in `folder`. Idempotent; a folder that is gone is success. */
export async function removeTestbed(folder: string): Promise<void> {
  const text = await orBlank(readFile(join(folder, 'testbed.json'), 'utf8'));
  if (text !== '') {
    const { name } = JSON.parse(text) as Marks;
    await endProcesses(folder, name);
    await removeTraces(folder, name);
    await unmount(folder);
    await removeLinks(name);
    const roots = (await orEmpty(readdir('/sys/fs/cgroup', { withFileTypes: true }))).filter((e) => e.isDirectory());
    for (const root of ['', ...roots.map((entry) => entry.name)]) {
      const path = join('/sys/fs/cgroup', root, name);
      if (basename(root) !== name) await removeCgroup(path);
    }
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}
