/** User space as the main thread sees it, queues and TAP devices: one thread for all namespaces, started at first use. */
import { closeSync, writeSync } from 'node:fs';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { ChaosError, systemClock } from '@chaosplane/common';
import { eventDescriptor } from '../kernel/ffi.ts';
import type { QueuePolicy, QueueStatistics, TapCounts } from '../../contract/host.ts';
import type { Command, Counted, Reply, Request, TapService, WorkerStart } from './protocol.ts';

/** Delays and corrupts packets in user space. Namespaces are named by an open descriptor; stop before closing that. */
export interface Queues {
  /** Starts to serve `queue` there, or changes the policy: packets that wait already keep their time. */
  serve(netnsFd: number, queue: number, policy: QueuePolicy): Promise<void>;
  /** Lets waiting packets go and stops serving. Harmless when nothing is served. */
  stop(netnsFd: number): Promise<void>;
  statistics(netnsFd: number): Promise<QueueStatistics>;
  /** Starts to serve a TAP device, or changes its policy. The caller keeps the descriptors open until it is stopped. */
  serveTap(service: TapService): Promise<void>;
  /** Lets waiting frames go. Harmless when it is not served. */
  stopTap(tapFd: number): Promise<void>;
  /** Of that namespace, by name. */
  tapStatistics(netnsFd: number): Promise<ReadonlyMap<string, TapCounts>>;
  /** Stops all, and the thread. */
  close(): Promise<void>;
}

/** A thread that runs, and the calls that wait for its answers. */
interface Thread {
  readonly call: (command: Command) => Promise<Counted>;
  readonly ended: Promise<void>;
}

/** What is served in one namespace. */
interface Served {
  readonly queue: number;
  readonly policy: QueuePolicy;
}

/** A thread that dies again and again is not started for ever: the evidence then shows that nothing is done to packets. */
const [MOST_RESTARTS, RESTARTS_WITHIN_MS] = [5, 60_000];

/**
 * Without a thread until something is served. When the thread dies, packets pass undelayed by the rule's bypass until
 * another thread, started at once, serves the same queues.
 */
export function createQueues(): Queues {
  let thread: Thread | undefined;
  /** When it was started again, on the clock that never jumps. */
  let restarts: number[] = [];
  const served = new Map<number, Served>();
  const taps = new Map<number, TapService>();
  /** A thread that serves all that is known. */
  const start = (): Thread => {
    const started = startThread(() => {
      if (thread !== started) return;
      thread = undefined;
      const now = systemClock.monotonic();
      restarts = [...restarts.filter((at) => now - at < RESTARTS_WITHIN_MS), now];
      if (served.size + taps.size > 0 && restarts.length <= MOST_RESTARTS) thread = start();
    });
    for (const [netnsFd, { queue, policy }] of served) {
      // A namespace that cannot be served any more is noticed by the caller that asks for its statistics.
      started.call({ kind: 'serve', netnsFd, queue, policy }).catch(() => undefined);
    }
    for (const service of taps.values()) started.call({ kind: 'serve-tap', ...service }).catch(() => undefined);
    return started;
  };
  const end = async (): Promise<void> => {
    const ending = thread;
    if (ending === undefined) return;
    thread = undefined;
    served.clear();
    taps.clear();
    await ending.call({ kind: 'exit' });
    await ending.ended;
  };
  return {
    async serve(netnsFd, queue, policy) {
      thread ??= start();
      // Before the answer: what fails half-way is stopped in the same way.
      served.set(netnsFd, { queue, policy });
      await thread.call({ kind: 'serve', netnsFd, queue, policy });
    },
    async stop(netnsFd) {
      // The thread stays: it sleeps while nothing is served, and starting it again would cost the next delay its start.
      const known = served.delete(netnsFd);
      if (thread !== undefined && known) await thread.call({ kind: 'stop', netnsFd });
    },
    async statistics(netnsFd) {
      if (thread === undefined || !served.has(netnsFd)) return { handled: new Map() };
      return { handled: (await thread.call({ kind: 'statistics', netnsFd })).handled ?? new Map() };
    },
    async serveTap(service) {
      thread ??= start();
      taps.set(service.tapFd, service);
      await thread.call({ kind: 'serve-tap', ...service });
    },
    async stopTap(tapFd) {
      const known = taps.delete(tapFd);
      if (thread !== undefined && known) await thread.call({ kind: 'stop-tap', tapFd });
    },
    async tapStatistics(netnsFd) {
      if (thread === undefined && taps.size === 0) return new Map();
      if (thread === undefined) throw new ChaosError('UNAVAILABLE', 'the thread that lets packets go has ended');
      return (await thread.call({ kind: 'tap-statistics', netnsFd })).taps ?? new Map<string, TapCounts>();
    },
    close: end,
  };
}

/** The thread may have closed it before it ended without a word. */
function closeAnyway(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    return;
  }
}

function startThread(onEnd: () => void): Thread {
  const wakeFd = eventDescriptor();
  // From the sources, or beside the bundle that this has become part of.
  const worker = new Worker(new URL(`./worker${extname(import.meta.url)}`, import.meta.url), {
    workerData: { wakeFd } satisfies WorkerStart,
    // Its sockets are not opened by Node, which would warn when they are closed.
    trackUnmanagedFds: false,
  });
  worker.unref();
  const waiting = new Map<number, PromiseWithResolvers<Counted>>();
  let failure = 'the queue engine has ended';
  let alive = true;
  let lastId = 0;
  let exiting = false;
  let openFds: readonly number[] = [];
  worker.on('message', (reply: Reply) => {
    openFds = reply.openFds;
    const call = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (reply.error !== undefined) call?.reject(new ChaosError('INTERNAL', `the queue engine: ${reply.error}`));
    else call?.resolve(reply);
    if (waiting.size === 0 && !exiting) worker.unref();
  });
  worker.on('error', (error) => {
    failure = `the queue engine crashed: ${error instanceof Error ? error.message : String(error)}`;
  });
  const ended = new Promise<void>((resolve) => {
    worker.on('exit', () => {
      alive = false;
      // A socket left open would hold packets for ever; closed, the rule's bypass lets them pass.
      for (const fd of [wakeFd, ...openFds]) closeAnyway(fd);
      for (const call of waiting.values()) call.reject(new ChaosError('UNAVAILABLE', failure));
      waiting.clear();
      onEnd();
      resolve();
    });
  });
  const one = Buffer.from(new BigUint64Array([1n]).buffer);
  const call = (command: Command): Promise<Counted> => {
    if (!alive) return Promise.reject(new ChaosError('UNAVAILABLE', failure));
    // Until it is gone: an event loop without anything else to do would end before it is.
    exiting ||= command.kind === 'exit';
    const request: Request = { id: ++lastId, command };
    const answer = Promise.withResolvers<Counted>();
    waiting.set(request.id, answer);
    // Kept alive only while an answer is awaited: an idle engine must not keep the process running.
    worker.ref();
    worker.postMessage(request);
    writeSync(wakeFd, one);
    return answer.promise;
  };
  return { call, ended };
}
