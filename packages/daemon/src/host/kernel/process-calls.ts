/** Calls about processes, users, capabilities and files that Node does not offer, made in process. */
import { checked, libc } from './libc.ts';

const raw = {
  sync: libc.func('void sync()') as () => void,
  setfsuid: libc.func('int setfsuid(unsigned int)') as (id: number) => number,
  setfsgid: libc.func('int setfsgid(unsigned int)') as (id: number) => number,
  capget: libc.func('int capget(uint8_t *, _Out_ uint8_t *)') as Capabilities,
  capset: libc.func('int capset(uint8_t *, uint8_t *)') as Capabilities,
  reboot: libc.func('int reboot(int)') as (command: number) => number,
  prctl: libc.func('int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)') as Prctl,
  openat2: libc.func('long syscall(long, int, const char *, uint8_t *, size_t)') as OpenAt2,
  pidfd_open: libc.func('long syscall(long, int, unsigned int)') as (
    call: number,
    pid: number,
    flags: number,
  ) => number,
  pidfd_send_signal: libc.func('long syscall(long, int, int, void *, unsigned int)') as PidfdSignal,
};

type Capabilities = (header: Buffer, data: Buffer) => number;
type Prctl = (option: number, a: number, b: number, c: number, d: number) => number;
type OpenAt2 = (call: number, folder: number, path: string, how: Buffer, size: number) => number;
type PidfdSignal = (call: number, pidfd: number, signal: number, info: null, flags: number) => number;

/** The process gets SIGKILL when the thread that started it ends; see PR_SET_PDEATHSIG in prctl(2). */
export function dieWithParent(): void {
  const setParentDeathSignal = 1;
  const kill = 9;
  checked('prctl', raw.prctl(setParentDeathSignal, kill, 0, 0, 0));
}

/** Numbers of system calls without a function in older C libraries: the same on every architecture. */
const CALLS = { pidfd_send_signal: 424, pidfd_open: 434, openat2: 437 } as const;

/** How a path is resolved; see openat2(2). */
export const RESOLVE = { noMagicLinks: 0x02, noSymlinks: 0x04, beneath: 0x08, inRoot: 0x10 } as const;

/** openat2(2), Linux 5.6: the path never leads out of `folder` where `resolve` says so. Always close-on-exec. */
export function openAt(folder: number, path: string, flags: number, resolve: number): number {
  const closeOnExec = 0o2000000;
  // struct open_how: flags, mode, resolve.
  const how = Buffer.alloc(24);
  how.writeBigUInt64LE(BigInt(flags | closeOnExec), 0);
  how.writeBigUInt64LE(BigInt(resolve), 16);
  return checked('openat2', raw.openat2(CALLS.openat2, folder, path, how, how.length));
}

/** pidfd_open(2), Linux 5.3: a descriptor that means this process, and never another one of its number. */
export function openProcess(pid: number): number {
  return checked('pidfd_open', raw.pidfd_open(CALLS.pidfd_open, pid, 0));
}

/** pidfd_send_signal(2). */
export function signalProcess(pidfd: number, signal: number): void {
  checked('pidfd_send_signal', raw.pidfd_send_signal(CALLS.pidfd_send_signal, pidfd, signal, null, 0));
}

/** sync(2): everything that was written is on the disks afterwards. */
export function syncDisks(): void {
  raw.sync();
}

/** _LINUX_CAPABILITY_VERSION_3, and the calling thread. */
const CAPABILITIES_OF_THIS_THREAD = Buffer.from('2205082000000000', 'hex');

/**
 * Runs what makes files, synchronously, as this user of the node: setfsuid(2), which is about the calling thread alone. It keeps
 * its capabilities, so that it may write where root may: the root folder of CRI-O's containers has the mode 0555. Undefined: as
 * this process is.
 */
export function asUser<T>(user: { readonly uid: number; readonly gid: number } | undefined, work: () => T): T {
  if (user === undefined) return work();
  const capabilities = Buffer.alloc(24);
  checked('capget', raw.capget(CAPABILITIES_OF_THIS_THREAD, capabilities));
  const group = raw.setfsgid(user.gid);
  const owner = raw.setfsuid(user.uid);
  try {
    // Those about files went with the user.
    checked('capset', raw.capset(CAPABILITIES_OF_THIS_THREAD, capabilities));
    return work();
  } finally {
    raw.setfsuid(owner);
    raw.setfsgid(group);
  }
}

/** reboot(2) LINUX_REBOOT_CMD_RESTART: restarts the kernel at once; in a PID namespace, ends its first process. */
export function restartKernel(): void {
  const restart = 0x0123_4567;
  checked('reboot', raw.reboot(restart));
}
