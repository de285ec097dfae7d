/** Calls on descriptors that Node does not offer, made in process, with the kernel's errors as exceptions. */
import type { KoffiFunc } from 'koffi';
import { checked, lastErrno, libc, nameOf, SystemError } from './libc.ts';

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
  ppoll: libc.func('int ppoll(_Inout_ uint8_t *, unsigned long, uint8_t *, void *)') as Poll,
};

type Transfer = (fd: number, data: Buffer, length: number, flags: number) => number;
type SocketName = (fd: number, address: Buffer, length: number[]) => number;
type SocketOption<L> = (fd: number, level: number, name: number, value: Buffer, length: L) => number;
type Poll = (fds: Buffer, count: number, timeout: Buffer, signals: null) => number;

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
  if (result < 0 && lastErrno() !== inProgress) throw new SystemError('connect', lastErrno());
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
  const errno = lastErrno();
  if (errno === EINTR) return receive(fd, into);
  if (errno === EAGAIN) return undefined;
  throw new SystemError('recv', errno);
}

/** Sends the whole of `data` without waiting. Undefined when the kernel took it, else why not: `ENOBUFS`, `ENETDOWN`. */
export function offer(fd: number, data: Buffer): string | undefined {
  for (;;) {
    if (raw.send(fd, data, data.length, DO_NOT_WAIT) >= 0) return undefined;
    const errno = lastErrno();
    if (errno !== EINTR) return nameOf(errno);
  }
}

/** read(2) on a descriptor that never blocks. Returns how many bytes; undefined when nothing is there. */
export function readNow(fd: number, into: Buffer): number | undefined {
  const length = raw.read(fd, into, into.length);
  if (length >= 0) return length;
  const errno = lastErrno();
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
  if (result < 0 && lastErrno() === EAGAIN) return false;
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
  if (result < 0 && lastErrno() === EINTR) return [];
  checked('ppoll', result);
  return fds.filter((_, index) => entries.readInt16LE(index * 8 + 6) !== 0);
}
