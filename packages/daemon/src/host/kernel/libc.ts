/** The C library, and the kernel's errors as exceptions. */
import { getSystemErrorMap } from 'node:util';
import koffi from 'koffi';

export const libc = koffi.load('libc.so.6');

/** Made again by each call of Node's function. */
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

/** The result of a call that says by a negative one that errno has the reason. @throws SystemError */
export function checked(call: string, result: number): number {
  if (result < 0) throw new SystemError(call, koffi.errno());
  return result;
}

/** errno of the call before, on this thread. */
export function lastErrno(): number {
  return koffi.errno();
}

/** `ENOBUFS` for its number; `errno 4711` for one without a name. */
export function nameOf(errno: number): string {
  return errors.get(-errno)?.[0] ?? `errno ${errno}`;
}
