/** The thread of the queue engine: takes commands, and serves all queues in one loop until it is told to end. */
import { readSync } from 'node:fs';
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads';
import { systemClock } from '@chaosplane/common';
import { pollReadable } from '../ffi.ts';
import { enterNetns } from '../netns.ts';
import type { Command, Reply, Request, WorkerStart } from './protocol.ts';
import { serveQueue, type ServedQueue } from './served.ts';

/** The end of the process waits for this thread to come back from the kernel: never stay there longer than this. */
const LONGEST_WAIT_MS = 200;

const serving = new Map<number, ServedQueue>();
let ended = false;

function carryOut(command: Command): ReadonlyMap<number, number> {
  switch (command.kind) {
    case 'serve': {
      const { netnsFd, queue, policy } = command;
      const there = serving.get(netnsFd);
      if (there?.queue === queue) {
        there.change(policy);
        return there.handled;
      }
      there?.close();
      serving.delete(netnsFd);
      const served = serveQueue((work) => enterNetns(netnsFd, work), queue, policy, systemClock);
      serving.set(netnsFd, served);
      return served.handled;
    }
    case 'stop': {
      serving.get(command.netnsFd)?.close();
      serving.delete(command.netnsFd);
      return new Map();
    }
    case 'statistics':
      return serving.get(command.netnsFd)?.handled ?? new Map<number, number>();
    case 'exit': {
      closeAll();
      ended = true;
      return new Map();
    }
  }
}

function answer(port: MessagePort): void {
  for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) {
    const { id, command } = got.message as Request;
    port.postMessage(replyTo(id, command));
  }
}

function replyTo(id: number, command: Command): Reply {
  try {
    return { id, handled: carryOut(command), openFds: openFds() };
  } catch (error) {
    return {
      id,
      handled: new Map(),
      error: error instanceof Error ? error.message : String(error),
      openFds: openFds(),
    };
  }
}

const openFds = (): number[] => [...serving.values()].map(({ fd }) => fd);

function waitMs(now: number): number {
  const due = [...serving.values()].map((served) => served.nextDue ?? Number.POSITIVE_INFINITY);
  return Math.min(LONGEST_WAIT_MS, Math.max(0, Math.min(...due) - now));
}

function loop(port: MessagePort, wakeFd: number): void {
  const count = Buffer.alloc(8);
  for (;;) {
    answer(port);
    if (ended) return;
    const readable = new Set(pollReadable([wakeFd, ...openFds()], waitMs(systemClock.monotonic())));
    if (readable.has(wakeFd)) readSync(wakeFd, count);
    for (const served of serving.values()) {
      if (readable.has(served.fd)) served.takeIn();
      served.letGo(systemClock.monotonic());
    }
  }
}

function closeAll(): void {
  for (const served of serving.values()) served.close();
  serving.clear();
}

function main(port: MessagePort, { wakeFd }: WorkerStart): void {
  try {
    loop(port, wakeFd);
  } finally {
    closeAll();
    port.postMessage({ id: 0, handled: new Map(), openFds: [] } satisfies Reply);
  }
}

if (parentPort !== null) main(parentPort, workerData as WorkerStart);
