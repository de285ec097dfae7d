/**
 * Runs a command as root in a virtual machine with Debian's kernel, over this machine's own files, which it can read but
 * not change. Emulated throughout, so that it runs wherever QEMU does, and slowly.
 */
import { spawn } from 'node:child_process';
import { copyFile, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { prepareInitrd } from './initrd.ts';
import { prepareKernel, type Kernel, type Release, type Report } from './kernel.ts';

/** How a command is run. */
export interface VmOptions {
  /** Default: the folder that this process is in. */
  readonly cwd?: string;
  /** The command's whole environment, beside PATH, HOME and LC_ALL. */
  readonly env?: Readonly<Record<string, string>>;
  /** From start to end, in milliseconds. Default: 5 minutes. */
  readonly timeoutMs?: number;
  /** Ends the machine at once. */
  readonly signal?: AbortSignal;
  /** Which kernel of Debian it has. Default: 'stable'. */
  readonly release?: Release;
  /** Default 1024. */
  readonly memoryMb?: number;
  /**
   * Its clock counts instructions, 2 ns each, and skips the time in which it has nothing to do: what it measures does not depend on what
   * else this machine does. Slower, for it.
   */
  readonly countedClock?: boolean;
  /** Called with what the command prints, while it runs. */
  readonly onOutput?: (text: string, stream: 'stdout' | 'stderr') => void;
  /** Called with what is going on before the command starts. */
  readonly onReport?: Report;
}

/** How it ended. */
export interface VmResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const guestEnvironment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LC_ALL: 'C',
} as const;

/** A processor that has not scheduled for a minute ends the machine, and the console has what all of them were at. */
const WATCHDOG = 'watchdog_thresh=30 softlockup_panic=1 softlockup_all_cpu_backtrace=1';

/** Of the console, when the machine did not end as it should: the kernel says more than a line of what stopped it. */
const LAST_LINES = 120;

/** What a machine starts from. */
interface Prepared {
  readonly kernel: Kernel;
  readonly initrd: string;
}

/** What all machines of this process start from; made once for each release, and kept in the cache. */
const prepared = new Map<Release, Promise<Prepared>>();

async function prepare(release: Release, report: Report): Promise<Prepared> {
  const kernel = await prepareKernel(process.env, release, report);
  return { kernel, initrd: await prepareInitrd(kernel) };
}

/**
 * Runs `argv` there. The machine ends with the command, at the time limit, by the signal, or when this process ends in any way.
 * @throws Error when the machine cannot be started, or ended without the command's exit code.
 */
export async function runInVm(argv: readonly string[], options: VmOptions = {}): Promise<VmResult> {
  const { release = 'stable', onReport = () => undefined } = options;
  const preparing = prepared.get(release) ?? prepare(release, onReport);
  prepared.set(release, preparing);
  const { kernel, initrd } = await preparing;
  const folder = await mkdtemp(join(tmpdir(), `chaosplane-vm-${process.pid}-`));
  try {
    const environment = Object.entries({ ...guestEnvironment, ...options.env }).map(
      ([name, value]) => `${name}=${value}`,
    );
    await writeFile(join(folder, 'argv'), ['-i', ...environment, ...argv].map((word) => `${word}\0`).join(''));
    await writeFile(join(folder, 'cwd'), options.cwd ?? process.cwd());
    await copyFile(join(import.meta.dirname, 'guest.sh'), join(folder, 'guest.sh'));
    for (const name of ['stdout', 'stderr', 'status', 'console']) await writeFile(join(folder, name), '');
    return await boot(folder, kernel, initrd, options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function boot(folder: string, kernel: Kernel, initrd: string, options: VmOptions): Promise<VmResult> {
  const { timeoutMs = 300_000, onOutput, signal } = options;
  signal?.throwIfAborted();
  // The kernel kills the machine when this process ends, also by SIGKILL.
  const argv = ['--pdeathsig', 'KILL', 'qemu-system-x86_64', ...machine(folder, kernel, initrd, options)];
  const child = spawn('setpriv', argv, { stdio: ['ignore', 'ignore', 'pipe'] });
  let complaints = '';
  child.stderr.on('data', (data: Buffer) => (complaints += data.toString()));
  const state = { over: false, late: false };
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve());
  }).finally(() => (state.over = true));
  const kill = (): void => void child.kill('SIGKILL');
  signal?.addEventListener('abort', kill);
  const limit = setTimeout(() => {
    state.late = true;
    kill();
  }, timeoutMs);
  const streams = (['stdout', 'stderr'] as const).map(async (name) => {
    const reader = await followFile(join(folder, name), (text) => onOutput?.(text, name));
    while (!state.over) {
      await reader.more();
      await pause(100);
    }
    return reader.end();
  });
  try {
    await ended;
  } finally {
    clearTimeout(limit);
    signal?.removeEventListener('abort', kill);
    if (child.exitCode === null) kill();
  }
  const [stdout = '', stderr = ''] = await Promise.all(streams);
  signal?.throwIfAborted();
  const status = (await readFile(join(folder, 'status'), 'utf8')).trim();
  if (status !== '') return { exitCode: Number(status), stdout, stderr };
  const last = (await readFile(join(folder, 'console'), 'utf8')).trim().split('\n').slice(-LAST_LINES).join('\n');
  const why = state.late ? `did not end within ${timeoutMs / 1000} s` : 'ended before the command did';
  throw new Error(`the virtual machine ${why}; its last words: ${[stderr.slice(-2000), complaints, last].join('\n')}`);
}

function machine(
  folder: string,
  kernel: Kernel,
  initrd: string,
  { memoryMb = 1024, countedClock = false }: VmOptions,
): string[] {
  const share = (tag: string, path: string): string[] => [
    '-fsdev',
    `local,id=${tag},path=${path.replaceAll(',', ',,')},security_model=none,readonly=on,multidevs=remap`,
    '-device',
    `virtio-9p-pci,fsdev=${tag},mount_tag=${tag}`,
  ];
  const port = (name: string): string[] => [
    '-chardev',
    `file,id=${name},path=${join(folder, name).replaceAll(',', ',,')}`,
    '-device',
    `virtserialport,chardev=${name},name=${name}`,
  ];
  return [
    // Without the processor's "fast" byte strings: Linux copies and clears all memory by them, and TCG goes through them byte by byte.
    // Never KVM: this machine may be a virtual machine already. And one processor: Linux patches its own code while it runs,
    // when the first netfilter hook comes and the last one goes; of several processors QEMU 7.2 may leave one with its translation of
    // the breakpoint that was there meanwhile, which then traps for ever (seen in `ip_local_deliver`).
    ...['-accel', 'tcg,tb-size=512', '-cpu', 'max,-erms,-fsrm', '-smp', '1', '-m', String(memoryMb)],
    ...(countedClock ? ['-icount', 'shift=1,sleep=off'] : []),
    ...['-nodefaults', '-no-reboot', '-display', 'none', '-serial', `file:${join(folder, 'console')}`],
    ...['-kernel', kernel.image, '-initrd', initrd],
    // On a busy host the emulated timer is late for the kernel's check at boot, at which it panics.
    ...['-append', `console=ttyS0 loglevel=5 panic=-1 mitigations=off no_timer_check ${WATCHDOG}`],
    ...share('host', '/'),
    ...share('vm', folder),
    ...share('modules', join(kernel.root, 'lib', 'modules')),
    ...['-device', 'virtio-serial-pci', ...port('stdout'), ...port('stderr'), ...port('status')],
  ];
}

interface FileReader {
  more(): Promise<void>;
  /** All of it. */
  end(): Promise<string>;
}

/** Reads a file that grows. */
async function followFile(path: string, onText: (text: string) => void): Promise<FileReader> {
  const file = await open(path, 'r');
  const decoder = new TextDecoder();
  const buffer = Buffer.alloc(1 << 16);
  let all = '';
  const more = async (): Promise<void> => {
    for (;;) {
      const { bytesRead } = await file.read(buffer);
      if (bytesRead === 0) return;
      const text = decoder.decode(buffer.subarray(0, bytesRead), { stream: true });
      all += text;
      onText(text);
    }
  };
  const end = async (): Promise<string> => {
    await more();
    await file.close();
    return all;
  };
  return { more, end };
}
