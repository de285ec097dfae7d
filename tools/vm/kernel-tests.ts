/** The kernel tests in the virtual machine, whose kernel has netem, and cgroups of version 2 alone. */
import { join } from 'node:path';
import { runInVm, type VmOptions } from './vm.ts';

/** What jest says with --json; see JestTestResult of jest's documentation. Only what is read here. */
export interface JestJson {
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTotalTests: number;
  /** Files that did not even load. */
  readonly numRuntimeErrorTestSuites: number;
  readonly testResults: readonly {
    /** The file. */
    readonly name: string;
    readonly status: string;
    /** Its failures, for people. */
    readonly message: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/** Which tests, and how; jest's own report comes through `onOutput` on stderr. */
export interface KernelTestOptions extends Pick<VmOptions, 'onOutput' | 'onReport' | 'timeoutMs' | 'env'> {
  /** Paths or patterns of files; absent: those of the daemon for which the kernel matters. */
  readonly files?: readonly string[];
}

/** The queue engine has tests of its own, which are measured on the machine itself. */
const FILES = [
  ...['faults', 'stacking', 'chance', 'shaping', 'bandwidth', 'expiry', 'processes', 'host-netns'],
  'stress-cgroup-v2',
].map((name) => `packages/daemon/test/kernel/${name}.test.ts`);

/**
 * Runs them, as `npm test` does on this machine itself.
 * @throws Error when the machine does not start, or jest does not say how it went.
 */
export async function runKernelTestsInVm(options: KernelTestOptions = {}): Promise<JestJson> {
  const { files = FILES, env, timeoutMs = 900_000, ...rest } = options;
  const root = join(import.meta.dirname, '..', '..');
  const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const argv = [process.execPath, jest, '--selectProjects', 'kernel', '--json', '--maxWorkers=2', '--forceExit'];
  const { stdout, stderr, exitCode } = await runInVm([...argv, '--testTimeout=60000', ...files], {
    ...rest,
    cwd: root,
    timeoutMs,
    memoryMb: 1536,
    env: {
      CI: 'true',
      CHAOSPLANE_TEST_EMULATED: 'true',
      NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning',
      ...env,
    },
  });
  const json = stdout.slice(stdout.indexOf('{'));
  if (json === '') throw new Error(`jest ended with ${exitCode} and no result: ${stderr.slice(-2000)}`);
  return JSON.parse(json) as JestJson;
}
