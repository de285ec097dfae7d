/** The C library calls that Node does not offer, made in process, with the kernel's errors as exceptions. */
import { getSystemErrorMap } from 'node:util';
import koffi, { type KoffiFunc } from 'koffi';

const libc = koffi.load('libc.so.6');

const raw = {
  setns: libc.func('int setns(int, int)') as (fd: number, kind: number) => number,
  unshare: libc.func('int unshare(int)') as (flags: number) => number,
  socket: libc.func('int socket(int, int, int)') as (domain: number, type: number, protocol: number) => number,
  bind: libc.func('int bind(int, uint8_t *, int)') as (fd: number, address: Buffer, length: number) => number,
  listen: libc.func('int listen(int, int)') as (fd: number, backlog: number) => number,
  connect: libc.func('int connect(int, uint8_t *, int)') as (fd: number, address: Buffer, length: number) => number,
  send: libc.func('long send(int, uint8_t *, size_t, int)') as Transfer,
  sendAsync: libc.func('long send(int, uint8_t *, size_t, int)') as unknown as KoffiFunc<Transfer>,
  read: libc.func('long read(int, _Out_ uint8_t *, size_t)') as (fd: number, data: Buffer, length: number) => number,
  recv: libc.func('long recv(int, _Out_ uint8_t *, size_t, int)') as Transfer,
  setsockopt: libc.func('int setsockopt(int, int, int, uint8_t *, int)') as SocketOption<number>,
  getsockname: libc.func('int getsockname(int, _Out_ uint8_t *, _Inout_ int *)') as SocketName,
  getsockopt: libc.func('int getsockopt(int, int, int, _Out_ uint8_t *, _Inout_ int *)') as SocketOption<number[]>,
  getsockopt_filled: libc.func('int getsockopt(int, int, int, _Inout_ uint8_t *, _Inout_ int *)') as SocketOption<
    number[]
  >,
  ioctl: libc.func('int ioctl(int, unsigned long, _Inout_ uint8_t *)') as (
    fd: number,
    request: number,
    data: Buffer,
  ) => number,
  ioctl_number: libc.func('ioctl', 'int', ['int', 'unsigned long', 'unsigned long']) as (
    fd: number,
    request: number,
    argument: number,
  ) => number,
  fcntl: libc.func('int fcntl(int, int, int)') as (fd: number, command: number, argument: number) => number,
  flock: libc.func('int flock(int, int)') as (fd: number, operation: number) => number,
  eventfd: libc.func('int eventfd(unsigned int, int)') as (initial: number, flags: number) => number,
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
  ppoll: libc.func('int ppoll(_Inout_ uint8_t *, unsigned long, uint8_t *, void *)') as Poll,
};

type Capabilities = (header: Buffer, data: Buffer) => number;
type Prctl = (option: number, a: number, b: number, c: number, d: number) => number;
type OpenAt2 = (call: number, folder: number, path: string, how: Buffer, size: number) => number;
type PidfdSignal = (call: number, pidfd: number, signal: number, info: null, flags: number) => number;
type Transfer = (fd: number, data: Buffer, length: number, flags: number) => number;
type SocketName = (fd: number, address: Buffer, length: number[]) => number;
type SocketOption<L> = (fd: number, level: number, name: number, value: Buffer, length: L) => number;
type Poll = (fds: Buffer, count: number, timeout: Buffer, signals: null) => number;

/** Made anew by each call of Node's function. */
const errors = getSystemErrorMap();

/** A call that the kernel refused. */
export class SystemError extends Error {
  /** For example ENOENT. */
  readonly code: string;
  readonly errno: number;

  constructor(call: string, errno: number) {
    const [code, words] = errors.get(-errno) ?? [`errno ${errno}`, 'unknown error'];
    super(`${call}: ${words} (${code})`);
    this.name = 'SystemError';
    this.code = code;
    this.errno = errno;
  }
}

function checked(call: string, result: number): number {
  if (result < 0) throw new SystemError(call, koffi.errno());
  return result;
}

/** CLONE_NEWNET of sched.h. */
const NETWORK_NAMESPACE = 0x4000_0000;
/** MSG_DONTWAIT of socket(2). */
const DO_NOT_WAIT = 0x40;
const EAGAIN = 11;
const EINTR = 4;

/** Moves the calling thread into the network namespace behind `fd`; see setns(2). */
export function setnsNetwork(fd: number): void {
  checked('setns', raw.setns(fd, NETWORK_NAMESPACE));
}

/** Moves the calling thread into a network namespace of its own that has just been made; see unshare(2). */
export function unshareNetwork(): void {
  checked('unshare', raw.unshare(NETWORK_NAMESPACE));
}

/** socket(2), always close-on-exec. */
export function socket(domain: number, type: number, protocol: number): number {
  const closeOnExec = 0o2000000;
  return checked('socket', raw.socket(domain, type | closeOnExec, protocol));
}

export function bind(fd: number, address: Buffer): void {
  checked('bind', raw.bind(fd, address, address.length));
}

export function listen(fd: number, backlog: number): void {
  checked('listen', raw.listen(fd, backlog));
}

/** connect(2); a connection that is still being made is no error. */
export function connect(fd: number, address: Buffer): void {
  const result = raw.connect(fd, address, address.length);
  const inProgress = 115;
  if (result < 0 && koffi.errno() !== inProgress) throw new SystemError('connect', koffi.errno());
}

/** getsockname(2): the sockaddr that a socket has now. */
export function socketName(fd: number): Buffer {
  const longest = Buffer.alloc(28);
  checked('getsockname', raw.getsockname(fd, longest, [longest.length]));
  return longest;
}

/** Sends the whole of `data` as one datagram. */
export function send(fd: number, data: Buffer): void {
  checked('send', raw.send(fd, data, data.length, 0));
}

/** As `send`, on a thread of the pool; the socket's own namespace counts, not the thread's. */
export function sendOffThread(fd: number, data: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    raw.sendAsync.async(fd, data, data.length, 0, (error: Error | null, sent: number) => {
      if (error === null && sent >= 0) resolve();
      else reject(error ?? new Error('send failed on another thread'));
    });
  });
}

/** Receives one datagram without waiting. Returns its length in bytes; undefined when none is there. */
export function receive(fd: number, into: Buffer): number | undefined {
  const length = raw.recv(fd, into, into.length, DO_NOT_WAIT);
  if (length >= 0) return length;
  const errno = koffi.errno();
  if (errno === EINTR) return receive(fd, into);
  if (errno === EAGAIN) return undefined;
  throw new SystemError('recv', errno);
}

/** Sends the whole of `data` without waiting. Undefined when the kernel took it, else why not: `ENOBUFS`, `ENETDOWN`. */
export function offer(fd: number, data: Buffer): string | undefined {
  for (;;) {
    if (raw.send(fd, data, data.length, DO_NOT_WAIT) >= 0) return undefined;
    const errno = koffi.errno();
    if (errno !== EINTR) return errors.get(-errno)?.[0] ?? `errno ${errno}`;
  }
}

/** read(2) on a descriptor that never blocks. Returns how many bytes; undefined when nothing is there. */
export function readNow(fd: number, into: Buffer): number | undefined {
  const length = raw.read(fd, into, into.length);
  if (length >= 0) return length;
  const errno = koffi.errno();
  if (errno === EINTR) return readNow(fd, into);
  if (errno === EAGAIN) return undefined;
  throw new SystemError('read', errno);
}

/** Sets a socket option that is an int. */
export function setSocketOption(fd: number, level: number, name: number, value: number): void {
  const data = Buffer.alloc(4);
  data.writeInt32LE(value);
  checked('setsockopt', raw.setsockopt(fd, level, name, data, data.length));
}

/** A socket option of `length` bytes, as the kernel gives it. */
export function socketOption(fd: number, level: number, name: number, length: number): Buffer {
  const data = Buffer.alloc(length);
  checked('getsockopt', raw.getsockopt(fd, level, name, data, [length]));
  return data;
}

/** A socket option that is asked for by filling in part of `data`; the kernel fills in the rest. */
export function filledSocketOption(fd: number, level: number, name: number, data: Buffer): void {
  checked('getsockopt', raw.getsockopt_filled(fd, level, name, data, [data.length]));
}

/** ioctl(2) whose argument is a structure that the kernel may change. */
export function ioctl(fd: number, request: number, data: Buffer): void {
  checked('ioctl', raw.ioctl(fd, request, data));
}

/** ioctl(2) whose argument is a number. */
export function ioctlNumber(fd: number, request: number, argument: number): void {
  checked('ioctl', raw.ioctl_number(fd, request, argument));
}

/** Another descriptor of the same file, close-on-exec, and not below `least`. */
export function duplicateFrom(fd: number, least: number): number {
  const duplicateCloseOnExec = 1030;
  return checked('fcntl', raw.fcntl(fd, duplicateCloseOnExec, least));
}

/** Sets FD_CLOEXEC: programs started later do not inherit the descriptor. */
export function setCloseOnExec(fd: number): void {
  const setDescriptorFlags = 2;
  const closeOnExec = 1;
  checked('fcntl', raw.fcntl(fd, setDescriptorFlags, closeOnExec));
}

/** Clears FD_CLOEXEC: Node sets it on every descriptor that it was started with. */
export function keepOnExec(fd: number): void {
  const setDescriptorFlags = 2;
  checked('fcntl', raw.fcntl(fd, setDescriptorFlags, 0));
}

/** flock(2) LOCK_EX without waiting. False when another process holds the lock. */
export function flockExclusive(fd: number): boolean {
  const exclusiveNow = 2 | 4;
  const result = raw.flock(fd, exclusiveNow);
  if (result < 0 && koffi.errno() === EAGAIN) return false;
  checked('flock', result);
  return true;
}

/** An eventfd(2) for waking a thread that polls: close-on-exec and never blocking. */
export function eventDescriptor(): number {
  const closeOnExecNonBlocking = 0o2000000 | 0o4000;
  return checked('eventfd', raw.eventfd(0, closeOnExecNonBlocking));
}

/** Waits until one of `fds` can be read, at most `timeoutMs` milliseconds (fractions count). Returns those that can. */
export function pollReadable(fds: readonly number[], timeoutMs: number): readonly number[] {
  const readable = 1;
  const entries = Buffer.alloc(fds.length * 8);
  fds.forEach((fd, index) => {
    entries.writeInt32LE(fd, index * 8);
    entries.writeInt16LE(readable, index * 8 + 4);
  });
  const timeout = Buffer.alloc(16);
  const seconds = Math.floor(timeoutMs / 1000);
  timeout.writeBigInt64LE(BigInt(seconds), 0);
  timeout.writeBigInt64LE(BigInt(Math.floor((timeoutMs - seconds * 1000) * 1e6)), 8);
  const result = raw.ppoll(entries, fds.length, timeout, null);
  if (result < 0 && koffi.errno() === EINTR) return [];
  checked('ppoll', result);
  return fds.filter((_, index) => entries.readInt16LE(index * 8 + 6) !== 0);
}

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
