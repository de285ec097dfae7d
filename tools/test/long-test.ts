/** What a long test is, and what several of them need. */
import { readFileSync } from 'node:fs';
import { execaSync } from 'execa';
import type { BuildOptions } from '@chaosplane/testcluster/go';
import { kubernetesFolder, type DebianPackages } from '@chaosplane/testcluster';
import { runtimeFolder } from '../runtimes/build.ts';
import { kinds, type BuiltRuntime } from '../runtimes/recipe.ts';
import type { Machine } from '../vm/kernel-tests.ts';
import { layers, type Layer } from './layers.ts';

/** Files of one project of jest, in an environment of their own. */
export interface LongTest {
  readonly name: string;
  readonly summary: string;
  readonly project: Layer['name'] | 'long';
  /** Parts of the names of the files. Absent: all of the project. */
  readonly files?: readonly string[];
  /** Parts of the names of the files that are left out. */
  readonly except?: readonly string[];
  /** It runs in these virtual machines, and not on this one. */
  readonly machines?: readonly Machine[];
  /** Why it cannot be run on this machine; undefined when it can. Absent: it can on every one. */
  readonly whyNot?: () => string | undefined;
  readonly limitMs: number;
  /** Debian package → a file that shows it is there. */
  readonly packages: DebianPackages;
  /** Builds what it needs; what it gives goes to the environment of the tests. */
  prepare(options: BuildOptions): Promise<Readonly<Record<string, string>>>;
}

export function packagesAndLimit(layer: Layer['name']): Pick<Layer, 'packages' | 'limitMs'> {
  const { packages, limitMs } = layers.find(({ name }) => name === layer) ?? { packages: {}, limitMs: 0 };
  return { packages, limitMs };
}
export const [kernelLayer, runtimeLayer, apiLayer, clusterLayer] = [
  packagesAndLimit('kernel'),
  packagesAndLimit('runtime'),
  packagesAndLimit('api'),
  packagesAndLimit('cluster'),
];

export async function kubernetes(options: BuildOptions): Promise<Readonly<Record<string, string>>> {
  await kubernetesFolder(options);
  return {};
}

/** The processor that this machine has not, of those that there are images for. */
export const OTHER_MACHINE = process.arch === 'x64' ? 'aarch64' : 'x86_64';

const { 'golang-go': goPlaces = [] } = apiLayer.packages;
export const goPackage: DebianPackages = { 'golang-go': goPlaces };

/** What no runtime changes, or what is about one alone. */
export const ELSEWHERE = ['gvisor', 'packages/image/'];

/** The runtime layer's tests on a runtime that Debian does not have. */
export function onRuntime(kind: BuiltRuntime, summary: string, files: Pick<LongTest, 'files' | 'except'>): LongTest {
  const { packages, limitMs } = runtimeLayer;
  return {
    name: kind,
    summary,
    project: 'runtime',
    ...files,
    limitMs: 2 * limitMs,
    packages: {
      ...packages,
      conmon: ['/usr/bin/conmon'],
      gcc: ['/usr/bin/gcc'],
      'libc6-dev': ['/usr/include/stdio.h'],
    },
    async prepare(options) {
      const folder = await runtimeFolder(kind, options);
      return { CHAOSPLANE_TEST_RUNTIME: kinds[kind], CHAOSPLANE_TEST_PROGRAMS: folder };
    },
  };
}

/** Version 0.1.0 of 2026-11-30, the last one before the chart brought its definitions itself. */
export const BUILD_BEFORE = 'da9c94962e59aac4e7ab0af3003694d20a6c6542';

/** It is built of its commit. */
export function whyNoBuildBefore(): string | undefined {
  const { failed } = execaSync('git', ['cat-file', '-e', `${BUILD_BEFORE}^{commit}`], {
    cwd: import.meta.dirname,
    reject: false,
  });
  return failed ? `needs git, and its history with the commit ${BUILD_BEFORE.slice(0, 7)}` : undefined;
}

/** gVisor's shim lowers its OOM score, and does not start where it may not. */
export function whyNoGvisor(): string | undefined {
  const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  const sysResource = 24n;
  return ((BigInt(`0x${capabilities}`) >> sysResource) & 1n) === 1n ? undefined : 'needs CAP_SYS_RESOURCE';
}
