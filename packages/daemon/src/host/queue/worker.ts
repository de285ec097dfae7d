/** The thread of user space: takes commands, and serves all queues and TAP devices in one loop until it is told to end. */
import { readSync } from 'node:fs';
import { setPriority } from 'node:os';
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads';
import { systemClock } from '@chaosplane/common';
import { pollReadable } from '../kernel/ffi.ts';
import { enterNetns } from '../kernel/netns.ts';
import { tapEnds } from '../tap/device.ts';
import { serveTap, type Held, type ServedTap } from '../tap/served-tap.ts';
import type { Command, Counted, Reply, Request, TapService, WorkerStart } from './protocol.ts';
import { serveQueue, type ServedQueue } from './queue-socket.ts';

/** The end of the process waits for this thread to come back from the kernel: never stay there longer than this. */
const LONGEST_WAIT_MS = 200;

const serving = new Map<number, ServedQueue>();
const taps = new Map<number, { readonly service: TapService; readonly served: ServedTap }>();
/** What waits in TAP devices, by namespace. */
const held = new Map<number, Held>();
let ended = false;

function perform(command: Command): Counted {
  switch (command.kind) {
    case 'serve': {
      const { netnsFd, queue, policy } = command;
      const there = serving.get(netnsFd);
      if (there?.queue === queue) {
        there.change(policy);
        return { handled: there.handled };
      }
      there?.close();
      serving.delete(netnsFd);
      const served = serveQueue((work) => enterNetns(netnsFd, work), queue, policy, systemClock);
      serving.set(netnsFd, served);
      return { handled: served.handled };
    }
    case 'stop': {
      serving.get(command.netnsFd)?.close();
      serving.delete(command.netnsFd);
      return {};
    }
    case 'statistics':
      return { handled: serving.get(command.netnsFd)?.handled ?? new Map() };
    case 'serve-tap': {
      startTap(command);
      return {};
    }
    case 'stop-tap': {
      stopTap(command.tapFd);
      return {};
    }
    case 'tap-statistics': {
      const here = [...taps.values()].filter(
        ({ service, served }) => served.alive && service.netnsFd === command.netnsFd,
      );
      return { taps: new Map(here.map(({ service, served }) => [service.policy.name, served.counts])) };
    }
    case 'exit': {
      closeAll();
      ended = true;
      return {};
    }
  }
}

function startTap(service: TapService): void {
  const { netnsFd, tapFd, outFd, policy } = service;
  const there = taps.get(tapFd)?.served;
  there?.change(policy);
  const share = held.get(netnsFd) ?? { bytes: 0 };
  held.set(netnsFd, share);
  taps.set(tapFd, { service, served: there ?? serveTap(tapEnds(tapFd, outFd), policy, share, systemClock) });
}

function stopTap(tapFd: number): void {
  const tap = taps.get(tapFd);
  if (tap === undefined) return;
  // Before anything can fail: the main thread closes the descriptor next.
  taps.delete(tapFd);
  tap.served.end();
  const { netnsFd } = tap.service;
  if (![...taps.values()].some(({ service }) => service.netnsFd === netnsFd)) held.delete(netnsFd);
}

function answer(port: MessagePort): void {
  for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) {
    const { id, command } = got.message as Request;
    port.postMessage(replyTo(id, command));
  }
}

function replyTo(id: number, command: Command): Reply {
  try {
    return { id, ...perform(command), openFds: openFds() };
  } catch (error) {
    return {
      id,
      error: error instanceof Error ? error.message : String(error),
      openFds: openFds(),
    };
  }
}

const openFds = (): number[] => [...serving.values()].map(({ fd }) => fd);

const everyServed = (): (ServedQueue | ServedTap)[] => [
  ...serving.values(),
  ...[...taps.values()].map(({ served }) => served),
];

function waitMs(now: number): number {
  const due = everyServed().map((served) => served.nextDue ?? Number.POSITIVE_INFINITY);
  return Math.min(LONGEST_WAIT_MS, Math.max(0, Math.min(...due) - now));
}

function loop(port: MessagePort, wakeFd: number): void {
  const count = Buffer.alloc(8);
  for (;;) {
    answer(port);
    if (ended) return;
    const watched = [
      wakeFd,
      ...openFds(),
      ...[...taps.values()].flatMap(({ served }) => (served.alive ? [served.fd] : [])),
    ];
    const readable = new Set(pollReadable(watched, waitMs(systemClock.monotonic())));
    if (readable.has(wakeFd)) readSync(wakeFd, count);
    for (const served of everyServed()) {
      if (readable.has(served.fd)) served.takeIn();
      served.letGo(systemClock.monotonic());
    }
  }
}

/** One that cannot be closed keeps no other from being closed. */
function anyway(close: () => void): void {
  try {
    close();
  } catch {
    return;
  }
}

function closeAll(): void {
  for (const served of serving.values()) anyway(() => served.close());
  serving.clear();
  for (const { served } of taps.values()) anyway(() => served.end());
  taps.clear();
}

/**
 * What a busy processor adds to a delay, TCP takes for a queue that fills, and stops growing early. The kernel delays packets before
 * any process has its turn; this thread, which has nothing to do when no packet comes, is to be near to that. Not first of all (-20): it
 * would take the processor from the senders for each single packet, and ten of them share it badly.
 */
function comeEarly(): void {
  const [thisThread, early] = [0, -10];
  // Without CAP_SYS_NICE it stays as it is.
  anyway(() => setPriority(thisThread, early));
}

function main(port: MessagePort, { wakeFd }: WorkerStart): void {
  comeEarly();
  try {
    loop(port, wakeFd);
  } finally {
    closeAll();
    port.postMessage({ id: 0, openFds: [] } satisfies Reply);
  }
}

if (parentPort !== null) main(parentPort, workerData as WorkerStart);
