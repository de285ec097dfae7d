/** The long tests: what takes too long, or needs too much to be built, to be run before each commit. */
import { readFileSync } from 'node:fs';
import { execaSync } from 'execa';
import { prometheusFolder } from '../prometheus/build.ts';
import { runtimeFolder } from '../runtimes/build.ts';
import { kinds, type BuiltRuntime } from '../runtimes/recipe.ts';
import { certManagerFolder } from '@chaosplane/testcluster/cert-manager';
import type { BuildOptions } from '@chaosplane/testcluster/go';
import { imagePackages, kubernetesFolder, type DebianPackages } from '@chaosplane/testcluster';
import { ALL_MACHINES, COUNTED_MACHINE, type Machine } from '../vm/kernel-tests.ts';
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

function packagesAndLimit(layer: Layer['name']): Pick<Layer, 'packages' | 'limitMs'> {
  const { packages, limitMs } = layers.find(({ name }) => name === layer) ?? { packages: {}, limitMs: 0 };
  return { packages, limitMs };
}
const [kernelLayer, runtimeLayer, apiLayer, clusterLayer] = [
  packagesAndLimit('kernel'),
  packagesAndLimit('runtime'),
  packagesAndLimit('api'),
  packagesAndLimit('cluster'),
];

async function kubernetes(options: BuildOptions): Promise<Readonly<Record<string, string>>> {
  await kubernetesFolder(options);
  return {};
}

/** The processor that this machine has not, of those that there are images for. */
const OTHER_MACHINE = process.arch === 'x64' ? 'aarch64' : 'x86_64';

const { 'golang-go': goPlaces = [] } = apiLayer.packages;
const goPackage: DebianPackages = { 'golang-go': goPlaces };

/** What no runtime changes, or what is about one alone. */
const ELSEWHERE = ['gvisor', 'packages/image/'];

/** The runtime layer's tests on a runtime that Debian does not have. */
function onRuntime(kind: BuiltRuntime, summary: string, files: Pick<LongTest, 'files' | 'except'>): LongTest {
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

export const longTests: readonly LongTest[] = [
  {
    name: 'floods',
    summary: 'floods of a minute each, against a daemon and on a real cluster',
    project: 'long',
    files: ['floods'],
    limitMs: 3 * clusterLayer.limitMs,
    packages: { ...runtimeLayer.packages, ...clusterLayer.packages },
    prepare: kubernetes,
  },
  {
    name: 'attacks',
    summary: "floods of a daemon's commands before and behind the handshake, while it serves its operator",
    project: 'long',
    files: ['long/attacks'],
    limitMs: kernelLayer.limitMs,
    packages: kernelLayer.packages,
    prepare: async () => ({}),
  },
  {
    name: 'upgrade',
    summary: 'upgrades, rollbacks and adjacent versions, from an earlier build and back, with faults in force',
    project: 'long',
    files: ['long/upgrade', 'long/adjacent'],
    limitMs: 2 * clusterLayer.limitMs,
    packages: { ...runtimeLayer.packages, ...clusterLayer.packages },
    whyNot: whyNoBuildBefore,
    prepare: async (options) => ({ ...(await kubernetes(options)), CHAOSPLANE_TEST_BEFORE: BUILD_BEFORE }),
  },
  {
    name: 'containerd',
    summary: "what is slow of the runtime layer, on Debian's containerd",
    project: 'runtime',
    files: ['exec.long'],
    limitMs: runtimeLayer.limitMs,
    packages: runtimeLayer.packages,
    prepare: async () => ({}),
  },
  {
    name: 'images',
    summary: 'the images for amd64 and arm64, with programs of the other processor under emulation',
    project: 'runtime',
    files: ['foreign.long'],
    limitMs: runtimeLayer.limitMs,
    packages: {
      ...imagePackages,
      [`binutils-${OTHER_MACHINE.replace('_', '-')}-linux-gnu`]: [`/usr/bin/${OTHER_MACHINE}-linux-gnu-strip`],
      'qemu-user-static': [`/usr/bin/qemu-${OTHER_MACHINE}-static`],
    },
    prepare: async () => ({}),
  },
  {
    name: 'felt-in-vm',
    summary: "a delay in user space beside netem's, in a machine whose clock counts instructions",
    project: 'kernel',
    machines: [COUNTED_MACHINE],
    ...packagesAndLimit('vm'),
    prepare: async () => ({}),
  },
  {
    name: 'vm',
    summary: 'all kernel tests that another kernel could answer differently, on the kernel of the vm layer',
    project: 'kernel',
    machines: ALL_MACHINES,
    ...packagesAndLimit('vm'),
    prepare: async () => ({}),
  },
  {
    name: 'backports',
    summary: "the same, on the newer kernel of Debian's backports",
    project: 'kernel',
    machines: ALL_MACHINES.map((machine) => ({ ...machine, release: 'backports' })),
    ...packagesAndLimit('vm'),
    prepare: async () => ({}),
  },
  {
    name: 'fairness',
    summary: 'an experiment beside a thousand that are created at once in another namespace',
    project: 'api',
    files: ['fairness.long'],
    limitMs: 2 * apiLayer.limitMs,
    packages: apiLayer.packages,
    prepare: async (options) => ({
      ...(await kubernetes(options)),
      CHAOSPLANE_TEST_CROWD: '1000',
      CHAOSPLANE_TEST_UNDER_WAY: '100',
    }),
  },
  {
    name: 'slow-api',
    summary: 'a daemon that hangs, with an API server that takes 5 s for each answer',
    project: 'api',
    files: ['sick-node'],
    limitMs: 2 * apiLayer.limitMs,
    packages: apiLayer.packages,
    prepare: async (options) => ({ ...(await kubernetes(options)), CHAOSPLANE_TEST_API_MS: '5000' }),
  },
  {
    name: 'floor',
    summary: '200 random runs of experiments, failures and drains: policies keep the floor of each workload',
    project: 'long',
    files: ['floor'],
    limitMs: 2 * apiLayer.limitMs,
    packages: apiLayer.packages,
    prepare: kubernetes,
  },
  {
    name: 'histories',
    summary: '100,000 random histories of workflows whose operators are killed between any two writes',
    project: 'pure',
    files: ['workflow/histories'],
    limitMs: 10 * 60_000,
    packages: {},
    prepare: async () => ({ CHAOSPLANE_TEST_HISTORIES: '100000' }),
  },
  {
    name: 'workflow-crash',
    summary: 'an operator killed at each of its steps of a workflow, those of its experiments included',
    project: 'api',
    files: ['workflow-crash'],
    limitMs: 3 * apiLayer.limitMs,
    packages: apiLayer.packages,
    prepare: async (options) => ({ ...(await kubernetes(options)), CHAOSPLANE_TEST_EACH_STEP: '1' }),
  },
  {
    name: 'prometheus',
    summary: "probes of a real Prometheus on this machine's loopback: what passes, fails and is an error",
    project: 'long',
    files: ['prometheus'],
    limitMs: apiLayer.limitMs,
    packages: goPackage,
    prepare: async (options) => ({ CHAOSPLANE_TEST_PROMETHEUS: await prometheusFolder(options) }),
  },
  {
    name: 'cert-manager',
    summary: 'certificates by a real cert-manager on a cluster: first issue, renewal under load, change to it and back',
    project: 'long',
    files: ['long/cert-manager'],
    limitMs: 2 * clusterLayer.limitMs,
    packages: { ...runtimeLayer.packages, ...clusterLayer.packages },
    prepare: async (options) => ({
      ...(await kubernetes(options)),
      CHAOSPLANE_TEST_CERT_MANAGER: await certManagerFolder(options),
    }),
  },
  onRuntime('containerd-2', "the runtime layer's tests on containerd 2.2", { except: ELSEWHERE }),
  onRuntime('crio', "the runtime layer's tests on CRI-O 1.34, which takes 10 minutes to build the first time", {
    except: ELSEWHERE,
  }),
  { ...onRuntime('gvisor', 'pods in gVisor, on containerd 2.2', { files: ['gvisor.long'] }), whyNot: whyNoGvisor },
];

/** Version 0.1.0 of 2026-11-30, the last one before the chart brought its definitions itself. */
const BUILD_BEFORE = 'da9c94962e59aac4e7ab0af3003694d20a6c6542';

/** It is built of its commit. */
function whyNoBuildBefore(): string | undefined {
  const { failed } = execaSync('git', ['cat-file', '-e', `${BUILD_BEFORE}^{commit}`], {
    cwd: import.meta.dirname,
    reject: false,
  });
  return failed ? `needs git, and its history with the commit ${BUILD_BEFORE.slice(0, 7)}` : undefined;
}

/** gVisor's shim lowers its OOM score, and does not start where it may not. */
function whyNoGvisor(): string | undefined {
  const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  const sysResource = 24n;
  return ((BigInt(`0x${capabilities}`) >> sysResource) & 1n) === 1n ? undefined : 'needs CAP_SYS_RESOURCE';
}
