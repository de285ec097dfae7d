/** The libnftables contexts that are open: not too many, and each on a descriptor that libnftables can wait for. */
import { close, closeSync, openSync } from 'node:fs';
import { promisify } from 'node:util';
import { ChaosError } from '@chaosplane/common';
import { duplicateFrom, setCloseOnExec, socketOption } from './ffi.ts';
import { SystemError } from './libc.ts';
import type { NetnsHandle } from './netns.ts';
import { loadNftables, type Context } from './nftables.ts';

/** The namespace that a context is for. */
export interface Holder {
  readonly netns: NetnsHandle;
  /** Its context stays until it is released. */
  readonly pinned: boolean;
}

/** libnftables waits with select(2), which aborts the process when the descriptor is above this. */
const HIGHEST = 1023;
/** So many low descriptors are kept for contexts, however much else a busy daemon has open: the connections of strangers, for example. */
const RESERVED = 400;
/**
 * So many contexts that are not pinned are kept; the one that was used least recently gives way. Making one again takes a
 * fraction of a millisecond.
 */
const MOST_KEPT = 200;

/** So many are freed for a context once other threads of this process have taken the one that was freed first. */
const FREED = 4;
/** How often a context is made when they take all of them; each time costs a grace period of the kernel. */
const ATTEMPTS = 20;

/** A context, and the descriptor of its socket. */
interface Open {
  readonly context: Context;
  readonly socket: number;
}

/** By last use, the oldest first. */
const contexts = new Map<Holder, Open>();
/** Descriptors of /dev/null: one is given up for each context. */
const reserved: number[] = [];
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
  return hosts + contexts.size === 0;
}

/** The context of `holder`, made when it has none. It may be gone after the next call, unless it is pinned. */
export function contextOf(holder: Holder): Context {
  const open = contexts.get(holder) ?? make(holder);
  contexts.delete(holder);
  contexts.set(holder, open);
  return open.context;
}

const closeOffThread = promisify(close);

/**
 * Frees the context of `holder`, if it has one, and resolves when the kernel has closed its socket. That waits for a grace
 * period (13 ms), so another thread does it, with a second descriptor. The context itself is freed here: libnftables keeps its
 * list of interfaces in one place for all contexts, without a lock, and `nft_ctx_free` on one thread while another runs a
 * command with the name or the number of an interface ends the process (libnftables 1.0.6, src/iface.c).
 */
export async function release(holder: Holder): Promise<void> {
  const open = contexts.get(holder);
  if (open === undefined) return;
  contexts.delete(holder);
  const second = secondDescriptor(open.socket);
  loadNftables().free(open.context);
  if (idle()) giveBack();
  else reserve();
  if (second !== undefined) await closeOffThread(second);
}

/** Above those that libnftables can wait for, where the process may have so many. Undefined where none is to be had. */
function secondDescriptor(socket: number): number | undefined {
  for (const least of [HIGHEST + 1, 0]) {
    try {
      return duplicateFrom(socket, least);
    } catch (error) {
      // Without it, closing the socket keeps this thread waiting, and nothing else.
      if (!(error instanceof SystemError)) throw error;
    }
  }
  return undefined;
}

function make(holder: Holder): Open {
  const free = [...contexts.keys()].filter(({ pinned }) => !pinned);
  const [oldest] = free;
  if (free.length >= MOST_KEPT && oldest !== undefined) void release(oldest);
  const { create, free: freeNow, bufferOutput, bufferError } = loadNftables();
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    reserve();
    const freed = reserved.splice(0, attempt === 0 ? 1 : FREED);
    if (freed.length === 0) throw noDescriptor();
    for (const fd of freed) closeSync(fd);
    const candidates = [nextDescriptor(), ...freed].filter((fd) => fd <= HIGHEST);
    const context = holder.netns.within(() => create(0));
    if (context === null) throw new ChaosError('INTERNAL', 'libnftables gives no context');
    const socket = candidates.find(closeOnExec);
    // What was not needed is taken back before others keep it.
    if (freed.length > 1) reserve();
    // Other threads were faster, and the socket may be on a descriptor that is too high to wait for.
    if (socket === undefined) {
      freeNow(context);
      continue;
    }
    if (bufferOutput(context) !== 0 || bufferError(context) !== 0) {
      freeNow(context);
      throw new ChaosError('INTERNAL', 'libnftables has no memory for its buffers');
    }
    return { context, socket };
  }
  throw noDescriptor();
}

/** What took them: either contexts that stay, which are faults by proxy, or other files of this process. */
function noDescriptor(): ChaosError {
  const pinned = [...contexts.keys()].filter((holder) => holder.pinned).length;
  const message = `nftables needs a descriptor below ${HIGHEST + 1}, and this daemon has none left`;
  const why =
    pinned >= RESERVED
      ? `${pinned} namespaces with HTTP or DNS faults each hold one: cancel some of these`
      : `${pinned} are held by HTTP and DNS faults, and the daemon's other files and connections ` +
        'have the rest: try again, and restart the daemon if it stays so (active faults survive that)';
  return new ChaosError('FAILED_PRECONDITION', `${message}: ${why}`);
}

/** The lowest that is free: what is opened next gets it, unless another thread is faster. */
function nextDescriptor(): number {
  const fd = openSync('/dev/null', 'r');
  closeSync(fd);
  return fd;
}

/** Takes low descriptors until there are as many as there should be, or no more are to be had. */
function reserve(): void {
  while (reserved.length + contexts.size < RESERVED) {
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

/**
 * Whether `fd` is a netlink socket; then close-on-exec is set, which libnftables does not do: a surviving child would keep the socket
 * and its namespace.
 */
function closeOnExec(fd: number): boolean {
  try {
    if (socketOption(fd, SOCKET_LEVEL, DOMAIN, 4).readInt32LE() !== NETLINK) return false;
  } catch {
    return false;
  }
  setCloseOnExec(fd);
  return true;
}
