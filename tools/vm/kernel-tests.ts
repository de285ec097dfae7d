/** The kernel tests in the virtual machine, whose kernel has netem, and cgroups of version 2 alone. */
import { join } from 'node:path';
import type { JestReport } from '../test/counts.ts';
import type { Release } from './kernel.ts';
import { runInVm, type VmOptions } from './vm.ts';

/** jest's own report comes through `onOutput` on stderr; the time limit is that of each machine. */
export type KernelTestOptions = Pick<VmOptions, 'onOutput' | 'onReport' | 'timeoutMs' | 'signal'>;

/**
 * What each of the virtual machines tests in `npm test`: what goes by netem, by what the kernel measures, and by cgroups of version 2.
 * They run side by side, and take about as long.
 */
export const MACHINES: readonly Machine[] = [
  { names: ['faults', 'bandwidth', 'expiry', 'stress-cgroup-v2'] },
  { names: ['shaping', 'stacking', 'evidence', 'interfaces'] },
];

/**
 * The same with all that another kernel could do differently, which emulation makes slow. The queue engine's own tests are not here:
 * they are measured on the machine itself.
 */
export const ALL_MACHINES: readonly Machine[] = [
  { names: ['faults', 'bandwidth', 'evidence', 'http-proxy', 'expiry', 'stress-cgroup-v2', 'silence', 'fragments'] },
  {
    names: ['shaping', 'stacking', 'chance', 'dns-proxy', 'host-netns', 'processes', 'interfaces', 'foreign-removals'],
  },
];

/** How fast one stream is by user space and by netem: nothing else may take its time from either. */
export const COUNTED_MACHINE: Machine = { names: ['felt-delay'], only: 'by tap of', countedClock: true };

/** A virtual machine and what is run in it. */
export interface Machine {
  /** Test files. */
  readonly names: readonly string[];
  /** Tests whose name has this in it. Default: all. */
  readonly only?: string;
  /** See VmOptions. */
  readonly countedClock?: boolean;
  /** See VmOptions. */
  readonly release?: Release;
}

const root = join(import.meta.dirname, '..', '..');

/**
 * Runs the kernel tests, as `npm test` does on this machine itself. Returns a report for each virtual machine.
 * @throws Error when a machine does not start, or jest does not say how it went; all have ended then.
 */
export async function runKernelTestsInVms(
  options: KernelTestOptions,
  machines: readonly Machine[] = MACHINES,
): Promise<JestReport[]> {
  const ends = await Promise.allSettled(machines.map((machine) => runJestInVm(machine, options)));
  return ends.map((end) => {
    if (end.status === 'rejected') throw end.reason;
    return end.value;
  });
}

async function runJestInVm(
  { names, only, countedClock = false, release = 'stable' }: Machine,
  options: KernelTestOptions,
): Promise<JestReport> {
  const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const argv = [
    ...[process.execPath, jest, '--selectProjects', 'kernel', '--json', '--runInBand', '--forceExit'],
    ...(only === undefined ? [] : ['--testNamePattern', only]),
    ...['--testTimeout=60000', ...names.map((name) => `packages/daemon/test/kernel/${name}.test.ts`)],
  ];
  const { stdout, stderr, exitCode } = await runInVm(argv, {
    ...options,
    cwd: root,
    memoryMb: 1536,
    release,
    countedClock,
    env: {
      CI: 'true',
      CHAOSPLANE_TEST_EMULATED: 'true',
      ...(countedClock ? { CHAOSPLANE_TEST_COUNTED_CLOCK: 'true' } : {}),
      NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning',
    },
  });
  const json = stdout.slice(stdout.indexOf('{'));
  if (json === '') throw new Error(`jest ended with ${exitCode} and no result: ${stderr.slice(-2000)}`);
  return JSON.parse(json) as JestReport;
}
