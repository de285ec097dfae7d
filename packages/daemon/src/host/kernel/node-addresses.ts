/** Which addresses are the node's own: from there the kubelet comes, and no pod that has a network of its own. */
import { closeSync } from 'node:fs';
import type { Clock } from '@chaosplane/common';
import { SystemError } from './libc.ts';
import { openNetnsHandle, type NetnsHandle } from './netns.ts';
import { udpSocket } from './sockets.ts';

/** The node's network, as far as this process sees it. */
export interface NodeAddresses {
  /**
   * Whether this process lives in another network than the node, and sees the node's. Only then is a peer without an address of
   * the node certainly not the kubelet: a process that does not see the node takes its own network for the node's.
   */
  readonly apart: boolean;
  /** Whether the node has this address, or had it two seconds ago. */
  has(address: string): boolean;
  close(): void;
}

/** Without the right to enter a network namespace, the loopback addresses are all that is known. */
export function nodeAddresses(clock: Pick<Clock, 'monotonic'>): NodeAddresses {
  const own = tryOpen('/proc/self/ns/net');
  const node = tryOpen('/proc/1/ns/net') ?? own?.duplicate();
  const isOfNode = remembering((address) => node !== undefined && isOwn(node, address), clock);
  return {
    apart: own !== undefined && node !== undefined && node.cookie !== own.cookie,
    has: (address) => isLoopback(address) || isOfNode(address),
    close() {
      own?.close();
      node?.close();
    },
  };
}

/** How long answers are remembered, and how many: in a flood the kernel would be asked thousands of times a second. */
const [REMEMBERED_MS, MOST_REMEMBERED] = [2000, 1024];

/** Answers as `ask` did less than two seconds ago. */
export function remembering(
  ask: (address: string) => boolean,
  clock: Pick<Clock, 'monotonic'>,
): (address: string) => boolean {
  const answers = new Map<string, boolean>();
  let since = clock.monotonic();
  return (address) => {
    const now = clock.monotonic();
    if (now - since >= REMEMBERED_MS || answers.size >= MOST_REMEMBERED) {
      answers.clear();
      since = now;
    }
    const answer = answers.get(address) ?? ask(address);
    answers.set(address, answer);
    return answer;
  };
}

function tryOpen(path: string): NetnsHandle | undefined {
  try {
    return openNetnsHandle(path);
  } catch {
    return undefined;
  }
}

/** In the daemon's own network, where no other process has it. */
function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}

/** The kernel binds a socket to an address of its own, and to no other. */
function isOwn(netns: NetnsHandle, address: string): boolean {
  try {
    closeSync(udpSocket(netns, { address, port: 0 }));
    return true;
  } catch (error) {
    if (error instanceof SystemError) return false;
    throw error;
  }
}
