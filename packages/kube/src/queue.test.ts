/** The work queue: once each, one worker a key, later again, and a clean end. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createLogger } from '@chaosplane/common';
import { manualClock, type ManualClock } from '../test/clocks.ts';
import { KubeError } from './errors.ts';
import { createWorkQueue, type Reconciler, type WorkQueue } from './queue.ts';

const logger = createLogger({ level: 'silent' });
let clock: ManualClock;
let ended: AbortController;
let ran: string[];

beforeEach(() => {
  clock = manualClock();
  ended = new AbortController();
  ran = [];
});
afterEach(() => ended.abort());

function queueOf(reconcile: Reconciler, concurrency = 1): WorkQueue {
  const noted: Reconciler = (key, signal) => {
    ran.push(key);
    return reconcile(key, signal);
  };
  return createWorkQueue({ name: 'test', concurrency, reconcile: noted }, { clock, logger });
}

/** Work that ends when it is told to. */
function gated() {
  const gates: (() => void)[] = [];
  const reconcile: Reconciler = () =>
    new Promise((resolve) => {
      gates.push(() => resolve(undefined));
    });
  return { reconcile, open: () => gates.shift()?.() };
}

test('a key that waits is not added again, and the order is kept', async () => {
  const queue = queueOf(async () => undefined);
  for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key);
  expect(queue.depth()).toBe(3);
  void queue.start(ended.signal);
  await clock.advance(0);
  expect(ran).toEqual(['a', 'b', 'c']);
  expect(queue.depth()).toBe(0);
});

test('a key that was added while it ran runs once more, and never twice at a time', async () => {
  const { reconcile, open } = gated();
  const queue = queueOf(reconcile, 4);
  void queue.start(ended.signal);
  queue.add('a');
  queue.add('a');
  queue.add('a');
  await clock.advance(0);
  expect(ran).toEqual(['a']);
  expect(queue.depth()).toBe(1);
  open();
  await clock.advance(0);
  expect(ran).toEqual(['a', 'a']);
  open();
  await clock.advance(60_000);
  expect(ran).toEqual(['a', 'a']);
});

test('no more keys are worked on at a time than is allowed', async () => {
  const { reconcile, open } = gated();
  const queue = queueOf(reconcile, 2);
  void queue.start(ended.signal);
  for (const key of ['a', 'b', 'c', 'd']) queue.add(key);
  await clock.advance(0);
  expect(ran).toEqual(['a', 'b']);
  open();
  await clock.advance(0);
  expect(ran).toEqual(['a', 'b', 'c']);
});

test('a key that fails comes again after longer and longer, and after a success from the start', async () => {
  const failures = [true, true, true, false, true];
  const at: number[] = [];
  const queue = queueOf(async () => {
    at.push(clock.monotonic());
    if (failures.shift() === true) throw new Error('not yet');
    return undefined;
  });
  void queue.start(ended.signal);
  queue.add('a');
  await clock.advance(10_000);
  queue.add('a');
  await clock.advance(10_000);
  // 200, 400, 800 ms, each times the 0.75 of this clock's chance; then 200 again.
  expect(at).toEqual([0, 150, 450, 1050, 10_000, 10_150]);
});

test('the failure of one key does not delay another', async () => {
  const queue = queueOf(async (key) => {
    if (key === 'bad') throw new Error('never');
    return undefined;
  });
  void queue.start(ended.signal);
  queue.add('bad');
  queue.add('good');
  await clock.advance(0);
  expect(ran).toEqual(['bad', 'good']);
});

test('a server that asks for ten seconds gets them', async () => {
  let first = true;
  const queue = queueOf(async () => {
    if (!first) return undefined;
    first = false;
    throw new KubeError(429, 'TooManyRequests', 'busy', { retryAfterMs: 10_000 });
  });
  void queue.start(ended.signal);
  queue.add('a');
  await clock.advance(9_999);
  expect(ran).toEqual(['a']);
  await clock.advance(1);
  expect(ran).toEqual(['a', 'a']);
});

test('of several wishes for later the earliest counts', async () => {
  const queue = queueOf(async () => undefined);
  void queue.start(ended.signal);
  queue.addAfter('a', 500);
  queue.addAfter('a', 100);
  queue.addAfter('a', 300);
  await clock.advance(99);
  expect(ran).toEqual([]);
  await clock.advance(1000);
  expect(ran).toEqual(['a']);
});

test('a reconcile says itself when it wants to be called again', async () => {
  const queue = queueOf(async () => (ran.length < 3 ? { requeueAfterMs: 1000 } : undefined));
  void queue.start(ended.signal);
  queue.add('a');
  await clock.advance(999);
  expect(ran).toHaveLength(1);
  await clock.advance(60_000);
  expect(ran).toHaveLength(3);
});

test('what was added before the start is worked on after it', async () => {
  const queue = queueOf(async () => undefined);
  queue.add('a');
  queue.addAfter('b', 10);
  await clock.advance(100);
  expect(ran).toEqual([]);
  void queue.start(ended.signal);
  await clock.advance(0);
  expect(ran).toEqual(['a', 'b']);
});

test('the end waits for what runs, which sees the signal, and drops the rest', async () => {
  let release = (): void => undefined;
  let seen: AbortSignal | undefined;
  const queue = queueOf((_, signal) => {
    seen = signal;
    return new Promise((resolve) => (release = () => resolve({ requeueAfterMs: 1 })));
  });
  let drained = false;
  const working = queue.start(ended.signal).then(() => (drained = true));
  queue.add('a');
  queue.add('b');
  queue.addAfter('c', 10);
  await clock.advance(0);
  ended.abort();
  await clock.advance(0);
  expect(seen?.aborted).toBe(true);
  expect(drained).toBe(false);
  release();
  await working;
  queue.add('d');
  await clock.advance(60_000);
  expect(ran).toEqual(['a']);
  expect(clock.timers).toBe(0);
});
