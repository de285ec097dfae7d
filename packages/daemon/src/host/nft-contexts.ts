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
/** So many low descriptors are kept free for contexts while there are any, whatever else a busy daemon has open. */
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
    if (contexts.size + closing === 0) giveBack();
    else reserve();
  }
}

function make(holder: Holder): Context {
  const free = [...contexts.keys()].filter(({ pinned }) => !pinned);
  const [oldest] = free;
  if (free.length >= MOST_KEPT && oldest !== undefined) void release(oldest);
  reserve();
  const low = reserved.shift();
  if (low === undefined) {
    const message = `no descriptor below ${HIGHEST + 1} is free for nftables: too many faults at once on this node`;
    throw new ChaosError('FAILED_PRECONDITION', `${message}; cancel some of them`);
  }
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

/** The lowest that is free: whatever is opened next gets it, unless another thread is faster. */
function nextDescriptor(): number {
  const fd = openSync('/dev/null', 'r');
  closeSync(fd);
  return fd;
}

/** Takes low descriptors until there are as many as there should be, or no more are to be had. */
function reserve(): void {
  while (reserved.length + contexts.size + closing < RESERVED) {
    const fd = openSync('/dev/null', 'r');
    if (fd > HIGHEST) {
      closeSync(fd);
      return;
    }
    reserved.push(fd);
  }
}

/** Without a context there is nothing to keep them for. */
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
