/** What cgroups leave, read from folders laid out as the kernel lays them out; the kernel's own are read by the runtime and vm tests. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { isFrozen, room, usage } from './cgroup-accounts.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'chaosplane-cgroups-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Makes the cgroup at a path, with these files and those that every cgroup has. */
function cgroup(path: string, files: Readonly<Record<string, string>>): string {
  const folder = join(root, path);
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries({ 'cgroup.procs': '', ...files })) writeFileSync(join(folder, name), text);
  return folder;
}

test('the limit of a pod holds for a process that has moved into a cgroup below its container', () => {
  cgroup('', {});
  cgroup('pod', { 'memory.max': '1000', 'memory.current': '700', 'memory.stat': 'anon 1\ninactive_file 100\n' });
  cgroup('pod/container', { 'memory.max': 'max', 'memory.oom.group': '1', 'pids.max': '20', 'pids.current': '12' });
  const leaf = cgroup('pod/container/init.scope', { 'memory.max': 'max', 'memory.oom.group': '0', 'pids.max': 'max' });
  expect(room([leaf])).toEqual({
    memoryLimitBytes: 1000,
    memoryFreeBytes: 400,
    oomKillsAll: true,
    tasks: { limit: 20, free: 8 },
  });
});

test('the tightest of several levels counts, whichever it is', () => {
  cgroup('pod', { 'memory.max': '1000', 'memory.current': '990' });
  const leaf = cgroup('pod/container', { 'memory.max': '500', 'memory.current': '100' });
  expect(room([leaf])).toMatchObject({ memoryLimitBytes: 500, memoryFreeBytes: 10 });
});

test('of cgroup v1, a limit above what is mounted is told by the kernel', () => {
  const stat = 'cache 0\nhierarchical_memory_limit 4096\ntotal_inactive_file 0\n';
  const limits = { 'memory.limit_in_bytes': '9223372036854771712', 'memory.usage_in_bytes': '12' };
  const memory = cgroup('memory', { ...limits, 'memory.stat': stat, 'memory.oom_control': 'under_oom 0\noom_kill 3' });
  const cpu = cgroup('cpuacct', { 'cpuacct.usage': '5000000' });
  expect(room([memory, cpu])).toEqual({ memoryLimitBytes: 4096, oomKillsAll: false });
  expect(usage([memory, cpu])).toEqual({ cpuMs: 5, memoryBytes: 12, oomKills: 3 });
});

test('without limits there are none, and what is gone accounts for nothing', () => {
  const limits = { 'memory.max': 'max', 'memory.current': '7', 'memory.events': 'oom 2\noom_kill 1\noom_group_kill 0' };
  const leaf = cgroup('leaf', { ...limits, 'cpu.stat': 'usage_usec 2000\n' });
  expect(room([leaf])).toEqual({ oomKillsAll: false });
  expect(usage([leaf])).toEqual({ cpuMs: 2, memoryBytes: 7, oomKills: 1 });
  rmSync(leaf, { recursive: true });
  expect(usage([leaf])).toEqual({});
});

test.each([
  ['freezer.state', 'FROZEN', true],
  ['freezer.state', 'THAWED', false],
  ['cgroup.events', 'populated 1\nfrozen 1', true],
  ['cgroup.events', 'populated 1\nfrozen 0', false],
])('%s says %j', (file, text, frozen) => {
  expect(isFrozen([cgroup('c', { [file]: text })])).toBe(frozen);
});
