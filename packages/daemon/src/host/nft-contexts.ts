/** The libnftables contexts that are open: not too many, and each on a descriptor that libnftables can wait for. */
import { closeSync, openSync, readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { ChaosError } from '@chaosplane/common';
import { setCloseOnExec, socketOption } from './ffi.ts';
import type { NetnsHandle } from './netns.ts';
import { loadNftables, type Context } from './nftables.ts';

/** Whom a context is for. */
export interface Holder {
  readonly netns: NetnsHandle;
  /** Its context stays until it is released. */
  readonly pinned: boolean;
}

/** libnftables waits with select(2), which aborts the process when the descriptor is above this. */
const HIGHEST = 1023;
/** So many low descriptors are kept for contexts, whatever else a busy daemon has open: the connections of strangers, for example. */
const RESERVED = 400;
/**
 * So many contexts that are not pinned are kept; the one that was used least recently gives way. Making one anew takes a
 * fraction of a millisecond.
 */
const MOST_KEPT = 200;

/** By last use, the oldest first. */
const contexts = new Map<Holder, Context>();
/** Descriptors of /dev/null: one is given up for each context. */
const reserved: number[] = [];
/** Contexts whose sockets are being closed. */
let closing = 0;
/** Hosts that are open: while there is one, its descriptors stay reserved. */
let hosts = 0;

/** Reserves the descriptors of contexts; a daemon does so before it serves. Returns what gives them back, idempotent. */
export function reserveDescriptors(): () => void {
  hosts += 1;
  reserve();
  let given = false;
  return () => {
    if (given) return;
    given = true;
    hosts -= 1;
    if (idle()) giveBack();
  };
}

/** Nothing is there to keep descriptors for. */
function idle(): boolean {
  return hosts + contexts.size + closing === 0;
}

/** The context of `holder`, made when it has none. It may be gone after the next call, unless it is pinned. */
export function contextOf(holder: Holder): Context {
  const context = contexts.get(holder) ?? make(holder);
  contexts.delete(holder);
  contexts.set(holder, context);
  return context;
}

/** Frees the context of `holder`, if it has one, off this thread: closing its socket waits for a grace period (13 ms). */
export async function release(holder: Holder): Promise<void> {
  const context = contexts.get(holder);
  if (context === undefined) return;
  contexts.delete(holder);
  closing += 1;
  const { free } = loadNftables();
  const freeAsync = promisify((pointer: Context, done: (error: Error | null) => void) => free.async(pointer, done));
  try {
    await freeAsync(context);
  } finally {
    closing -= 1;
    if (idle()) giveBack();
    else reserve();
  }
}

function make(holder: Holder): Context {
  const free = [...contexts.keys()].filter(({ pinned }) => !pinned);
  const [oldest] = free;
  if (free.length >= MOST_KEPT && oldest !== undefined) void release(oldest);
  reserve();
  const low = reserved.shift();
  if (low === undefined) throw noDescriptor();
  closeSync(low);
  const expected = nextDescriptor();
  const { create, free: freeNow, bufferOutput, bufferError } = loadNftables();
  const context = holder.netns.within(() => create(0));
  if (context === null) throw new ChaosError('INTERNAL', 'libnftables gives no context');
  // libnftables does not set close-on-exec on its socket: a surviving child would keep it and the namespace.
  if (!closeOnExec(expected)) closeEachOnExec();
  if (bufferOutput(context) !== 0 || bufferError(context) !== 0) {
    freeNow(context);
    throw new ChaosError('INTERNAL', 'libnftables has no memory for its buffers');
  }
  return context;
}

/** What took them: either contexts that stay, which are faults by proxy, or other files of this process. */
function noDescriptor(): ChaosError {
  const pinned = [...contexts.keys()].filter((holder) => holder.pinned).length;
  const message = `nftables needs a descriptor below ${HIGHEST + 1}, and this daemon has none left`;
  const why =
    pinned >= RESERVED
      ? `${pinned} namespaces with HTTP or DNS faults each hold one: cancel some of these`
      : `${pinned} are held by HTTP and DNS faults, ${closing} are being closed, and the daemon's other files and connections ` +
        'have the rest: try again, and restart the daemon if it stays so (active faults survive that)';
  return new ChaosError('FAILED_PRECONDITION', `${message}: ${why}`);
}

/** The lowest that is free: whatever is opened next gets it, unless another thread is faster. */
function nextDescriptor(): number {
  const fd = openSync('/dev/null', 'r');
  closeSync(fd);
  return fd;
}

/** Takes low descriptors until there are as many as there should be, or no more are to be had. */
function reserve(): void {
  while (reserved.length + contexts.size + closing < RESERVED) {
    const fd = openNull();
    if (fd === undefined) return;
    if (fd > HIGHEST) {
      closeSync(fd);
      return;
    }
    reserved.push(fd);
  }
}

/** Undefined where this process may have no more files. */
function openNull(): number | undefined {
  try {
    return openSync('/dev/null', 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EMFILE') return undefined;
    throw error;
  }
}

function giveBack(): void {
  for (const fd of reserved.splice(0)) closeSync(fd);
}

const [SOCKET_LEVEL, DOMAIN, NETLINK] = [1, 39, 16];

/** Whether `fd` is a netlink socket; then close-on-exec is set. */
function closeOnExec(fd: number): boolean {
  try {
    if (socketOption(fd, SOCKET_LEVEL, DOMAIN, 4).readInt32LE() !== NETLINK) return false;
  } catch {
    return false;
  }
  setCloseOnExec(fd);
  return true;
}

/** Of this process, that is: Node's own have it anyway. It takes the longer, the more is open. */
function closeEachOnExec(): void {
  const ours = new Set(reserved);
  for (const name of readdirSync('/proc/self/fd')) {
    const fd = Number(name);
    if (fd <= HIGHEST && !ours.has(fd)) closeOnExec(fd);
  }
}
