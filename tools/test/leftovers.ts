/** What a run of the tests may have left behind on a machine, looked for by the marks that everything of ChaosPlane carries. */
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { cgroupRoots } from '@chaosplane/testcluster';
import type { Counts } from './counts.ts';

/** Names of everything with the mark of this run that is on the machine now. */
export async function leftBy(runId: string): Promise<readonly string[]> {
  const found = [
    ...(await namespaces()).map((name) => `network namespace ${name}`),
    ...(await interfaces()).map((name) => `network interface ${name}`),
    ...(await mounts()).map((path) => `mount ${path}`),
    ...(await readdir(tmpdir())).filter((name) => name.startsWith('chaosplane-')).map((name) => `folder ${name}`),
    ...(await processes()).map((line) => `process ${line}`),
  ];
  return found.filter((mark) => mark.includes(runId));
}

/**
 * Namespaces and cgroups of clusters that are no more. They carry a cluster's number instead of a run's mark; what
 * claims the number is an interface, which is the first thing that a cluster makes, and the last that goes.
 */
export async function orphans(): Promise<readonly string[]> {
  const before = await ofClusters();
  const claims = new Set(await readdir('/sys/class/net'));
  // One that went between the two looks is no orphan.
  const after = new Set((await ofClusters()).map(({ mark }) => mark));
  return before.filter(({ mark, number }) => !claims.has(number) && after.has(mark)).map(({ mark }) => mark);
}

async function ofClusters(): Promise<readonly { readonly mark: string; readonly number: string }[]> {
  const entries = async (folder: string): Promise<string[]> => await readdir(folder).catch(() => []);
  const cgroups = await Promise.all(
    (await cgroupRoots()).map(async (root) => (await entries(root)).map((name) => ({ kind: `cgroup ${root}/`, name }))),
  );
  const netns = (await namespaces()).map((name) => ({ kind: 'network namespace ', name }));
  return [...netns, ...cgroups.flat()].flatMap(({ kind, name }) => {
    const number = /^cpk\d+/.exec(name)?.[0];
    return number === undefined ? [] : [{ mark: `${kind}${name}`, number }];
  });
}

async function namespaces(): Promise<string[]> {
  return (await readdir('/run/netns').catch(() => [])).filter((name) => name.startsWith('cp'));
}

/** With the alias, by which a cluster's interface says to which folder it belongs. */
async function interfaces(): Promise<string[]> {
  const names = (await readdir('/sys/class/net')).filter((name) => name.startsWith('cp'));
  return Promise.all(
    names.map(async (name) => {
      const alias = (await readFile(`/sys/class/net/${name}/ifalias`, 'utf8').catch(() => '')).trim();
      return alias === '' ? name : `${name} of ${alias}`;
    }),
  );
}

async function mounts(): Promise<string[]> {
  const lines = (await readFile('/proc/self/mounts', 'utf8')).split('\n');
  return lines.map((line) => line.split(' ')[1] ?? '').filter((path) => /chaosplane-(testbed|cluster)-/.test(path));
}

async function processes(): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map(async (pid) => {
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return `${pid} ${command.replaceAll('\0', ' ').slice(0, 200)}`;
    }),
  );
  return lines.filter((line) => /chaosplane-(testbed|cluster|vm)-/.test(line));
}

/** A leftover of this run is a failed test. A copy of the tests that runs beside this one comes and goes meanwhile. */
export async function checkLeftovers(
  before: readonly string[],
  runId: string,
  say: (line: string) => void,
): Promise<Counts> {
  const left = [...(await leftBy(runId)), ...(await orphans()).filter((mark) => !before.includes(mark))];
  const failures = left.map((mark) => `left behind: ${mark}`);
  for (const failure of failures) say(failure);
  return { passed: left.length === 0 ? 1 : 0, failed: left.length, skipped: 0, failures };
}
