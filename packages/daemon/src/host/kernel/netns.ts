/** Entering network namespaces: what is done inside `within` happens there, synchronously, on this thread. */
import { closeSync, fstatSync, openSync } from 'node:fs';
import { ChaosError } from '@chaosplane/common';
import { setnsNetwork, socket, socketOption, unshareNetwork } from './ffi.ts';
import { SystemError } from './libc.ts';

/** An open network namespace, as a descriptor that pins it. */
export interface NetnsHandle {
  readonly path: string;
  readonly fd: number;
  /** SO_NETNS_COOKIE in decimal, or `inode:` and the inode on kernels before 5.14. */
  readonly cookie: string;
  /**
   * Runs `work` with this thread inside the namespace. Sockets opened and programs spawned there belong to it for good.
   * `work` must not start threads or anything of the thread pool: those would stay inside.
   */
  within<T>(work: () => T): T;
  /** Another handle of the same namespace, which pins it on its own. */
  duplicate(): NetnsHandle;
  /** Idempotent. */
  close(): void;
}

/** Where this thread is now; its own namespace at first. Not /proc/self: that is the main thread's. */
let currentFd: number | undefined;

function hereFd(): number {
  return (currentFd ??= openSync('/proc/thread-self/ns/net', 'r'));
}

/** Runs `work` with this thread inside the network namespace behind `fd`, and comes back. See NetnsHandle.within. */
export function enterNetns<T>(fd: number, work: () => T): T {
  const back = hereFd();
  setnsNetwork(fd);
  currentFd = fd;
  try {
    return work();
  } finally {
    currentFd = back;
    setnsNetwork(back);
  }
}

/**
 * Opens the network namespace at `path`, for example /run/netns/NAME or /proc/PID/ns/net, and checks that it is one.
 * @throws ChaosError NOT_FOUND when nothing is there, or a file that is no namespace any more (unmounted).
 */
export function openNetnsHandle(path: string): NetnsHandle {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const gone = code === 'ENOENT' || code === 'ESRCH' || code === 'ENOTDIR';
    const message = gone
      ? `there is no network namespace at ${path}`
      : `the network namespace at ${path} cannot be opened`;
    throw new ChaosError(gone ? 'NOT_FOUND' : 'FAILED_PRECONDITION', message, { cause: error });
  }
  return handleOf(fd, path);
}

/** Makes a network namespace that no one else can see; it is gone when the handle and all its sockets are closed. */
export function createNetns(): NetnsHandle {
  const back = hereFd();
  unshareNetwork();
  let fd: number;
  try {
    fd = openSync('/proc/thread-self/ns/net', 'r');
  } finally {
    setnsNetwork(back);
  }
  return handleOf(fd, 'a namespace of our own');
}

/** The handle for an open descriptor, which it closes in the end, or at once when it is no network namespace. */
function handleOf(fd: number, path: string): NetnsHandle {
  let closed = false;
  const within = <T>(work: () => T): T => {
    if (closed) throw new Error(`the network namespace ${path} was already closed`);
    return enterNetns(fd, work);
  };
  const close = (): void => {
    if (closed) return;
    closed = true;
    closeSync(fd);
  };
  const duplicate = (): NetnsHandle => handleOf(openSync(`/proc/self/fd/${fd}`, 'r'), path);
  try {
    return { path, fd, cookie: within(() => readCookie(fd)), within, duplicate, close };
  } catch (error) {
    close();
    if (error instanceof SystemError && error.code === 'EINVAL') {
      throw new ChaosError('NOT_FOUND', `${path} is no network namespace (any more)`, { cause: error });
    }
    if (error instanceof SystemError && error.code === 'EPERM') {
      const message = `entering the network namespace ${path} is not permitted: the daemon needs root (CAP_SYS_ADMIN)`;
      throw new ChaosError('FAILED_PRECONDITION', message, { cause: error });
    }
    throw error;
  }
}

/** The cookie of the namespace that this thread is in; see SO_NETNS_COOKIE in socket(7), Linux 5.14. */
function readCookie(fd: number): string {
  const [inetFamily, datagram, socketLevel, netnsCookie] = [2, 2, 1, 71];
  const probe = socket(inetFamily, datagram, 0);
  try {
    return socketOption(probe, socketLevel, netnsCookie, 8).readBigUInt64LE().toString();
  } catch (error) {
    if (error instanceof SystemError && error.code === 'ENOPROTOOPT') return `inode:${fstatSync(fd).ino}`;
    throw error;
  } finally {
    closeSync(probe);
  }
}
