/** What the programs behind the npm scripts do on a machine that has Node.js and root, and no package manager: they name what they need first. */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { layOutNode } from './image-root.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..', '..');

let machine: string;

beforeAll(async () => {
  machine = await mkdtemp(join(tmpdir(), 'chaosplane-bare-'));
  await layOutNode(machine);
}, 60_000);
afterAll(() => rm(machine, { recursive: true, force: true }));

/** Runs a program of the repository there, as `tools/first.mjs` does; mounts are gone with it. */
async function run(program: string, words: readonly string[]) {
  const places = [...new Set(['/proc', '/dev', ROOT, await realpath(join(ROOT, 'node_modules'))])];
  const mounts = places.map((path) => `mkdir -p ${machine}${path}; mount --rbind ${path} ${machine}${path}`);
  const script = `set -e; ${mounts.join('; ')}; exec chroot ${machine} "$@"`;
  const node = ['node', '--disable-warning=ExperimentalWarning', join(ROOT, program), ...words];
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root' };
  return execa('unshare', ['--mount', 'sh', '-c', script, 'sh', ...node], {
    reject: false,
    extendEnv: false,
    env,
    all: true,
    timeout: 60_000,
  });
}

test.each<[program: string, words: readonly string[], lacking: readonly string[]]>([
  ['bench/namespaces.ts', [], ['nftables', 'libnftables1', 'iproute2']],
  ['bench/proxy.ts', [], ['nftables', 'libnftables1', 'iproute2', 'golang-go']],
  ['bench/experiments.ts', [], ['containerd', 'runc', 'openssl', 'golang-go', 'libnftables1']],
  ['bench/main.ts', ['rpc'], ['libnftables1', 'containerd', 'runc']],
  ['bench/main.ts', ['bandwidth'], ['libnftables1', 'iproute2']],
  ['bench/main.ts', ['chaos-mesh'], ['libnftables1', 'containerd', 'ipset', 'gcc']],
  ['bench/main.ts', ['felt'], ['libnftables1', 'containerd']],
  ['bench/main.ts', ['felt', '--vm'], ['qemu-system-x86', 'kmod', 'cpio']],
  ['packages/cli/src/main.ts', ['demo'], ['containerd', 'libnftables1', 'iproute2']],
  ['tools/demo/main.ts', [], ['containerd', 'runc', 'openssl', 'golang-go', 'libnftables1']],
  ['tools/cluster/main.ts', ['up'], ['containerd', 'runc', 'openssl', 'golang-go']],
  ['tools/image/main.ts', ['all'], ['iproute2', 'libnftables1', 'stress-ng']],
])(
  '%s %j names the packages that it needs, in a line, and does nothing else',
  async (program, words, lacking) => {
    const { exitCode, all } = await run(program, words);
    for (const name of lacking) expect(all).toContain(name);
    expect(all).toMatch(/needs|missing/);
    expect(all).not.toContain('    at ');
    expect(exitCode).not.toBe(0);
  },
  90_000,
);
