/** What the tests may leave behind on a machine, looked for by the marks that everything of ours carries. */
import { readdir, readFile } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';

/** Names of everything with a mark of ours that is on the machine now. */
export async function marksOnMachine(): Promise<ReadonlySet<string>> {
  const found = [
    ...(await namespaces()).map((name) => `network namespace ${name}`),
    ...Object.keys(networkInterfaces())
      .filter((name) => name.startsWith('cp'))
      .map((name) => `network interface ${name}`),
    ...(await mounts()).map((path) => `mount ${path}`),
    ...(await readdir(tmpdir())).filter((name) => name.startsWith('chaosplane-')).map((name) => `folder ${name}`),
    ...(await processes()).map((line) => `process ${line}`),
  ];
  return new Set(found);
}

async function namespaces(): Promise<string[]> {
  return (await readdir('/run/netns').catch(() => [])).filter((name) => name.startsWith('cp'));
}

async function mounts(): Promise<string[]> {
  const lines = (await readFile('/proc/self/mounts', 'utf8')).split('\n');
  return lines.map((line) => line.split(' ')[1] ?? '').filter((path) => path.includes('chaosplane-testbed-'));
}

async function processes(): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map(async (pid) => {
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return `${pid} ${command.replaceAll('\0', ' ').slice(0, 120)}`;
    }),
  );
  return lines.filter((line) => /chaosplane-(testbed|vm)-/.test(line));
}
