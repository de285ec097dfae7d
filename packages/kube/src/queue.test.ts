/** The work queue: once each, one worker a key, later again, and a clean end. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createLogger } from '@chaosplane/common';
import { manualClock, type ManualClock } from '@chaosplane/testkit/clocks';
import { KubeError } from './errors.ts';
import { createWorkQueue, type Reconciler, type WorkQueue, type WorkQueueOptions } from './queue.ts';

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

function queueOf(reconcile: Reconciler, concurrency = 1, more: Partial<WorkQueueOptions> = {}): WorkQueue {
  const noted: Reconciler = (key, signal) => {
    ran.push(key);
    return reconcile(key, signal);
  };
  return createWorkQueue({ name: 'test', concurrency, ...more, reconcile: noted }, { clock, logger });
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

describe('with groups', () => {
  const groupOf = (key: string): string => key.split('/')[0] ?? '';

  test('they take turns, however many keys one of them has', async () => {
    const queue = queueOf(async () => undefined, 1, { groupOf });
    for (let index = 0; index < 1000; index += 1) queue.add(`many/${index}`);
    for (const key of ['few/a', 'few/b', 'one/a']) queue.add(key);
    void queue.start(ended.signal);
    await clock.advance(0);
    expect(ran.slice(0, 6)).toEqual(['many/0', 'few/a', 'one/a', 'many/1', 'few/b', 'many/2']);
    expect(ran).toHaveLength(1003);
  });

  test('one that keeps coming again takes no turn of the others', async () => {
    const queue = queueOf(async (key) => (key.startsWith('many') ? { requeueAfterMs: 0 } : undefined), 1, { groupOf });
    for (const key of ['many/a', 'many/b', 'many/c']) queue.add(key);
    void queue.start(ended.signal);
    queue.add('few/a');
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
    expect(ran.indexOf('few/a')).toBeLessThan(3);
    ended.abort();
  });

  test('no more of one are worked on at a time than is allowed, and the others have the rest', async () => {
    const { reconcile, open } = gated();
    const queue = queueOf(reconcile, 4, { groupOf, perGroup: 2 });
    void queue.start(ended.signal);
    for (const key of ['a/1', 'a/2', 'a/3', 'b/1', 'c/1', 'c/2']) queue.add(key);
    await clock.advance(0);
    expect(ran).toEqual(['a/1', 'a/2', 'b/1', 'c/1']);
    open();
    await clock.advance(0);
    expect(ran.slice(4)).toEqual(['a/3']);
    open();
    await clock.advance(0);
    expect(ran.slice(5)).toEqual(['c/2']);
  });
});

describe('an urgent key', () => {
  const urgent = new Set<string>();
  const isUrgent = (key: string): boolean => urgent.has(key);
  afterEach(() => urgent.clear());

  test('has workers of its own when all others are busy', async () => {
    const { reconcile } = gated();
    const queue = queueOf(reconcile, 2, { isUrgent, reserved: 1 });
    void queue.start(ended.signal);
    urgent.add('u');
    for (const key of ['a', 'b', 'c', 'u']) queue.add(key);
    await clock.advance(0);
    expect(ran).toEqual(['a', 'b', 'u']);
    expect(queue.depth()).toBe(1);
  });

  test('comes before those that wait, also when it waited among them', async () => {
    const { reconcile, open } = gated();
    const queue = queueOf(reconcile, 1, { isUrgent });
    void queue.start(ended.signal);
    for (const key of ['a', 'b', 'c', 'u']) queue.add(key);
    urgent.add('u');
    queue.add('u');
    for (let turn = 0; turn < 4; turn += 1) {
      await clock.advance(0);
      open();
    }
    await clock.advance(0);
    expect(ran).toEqual(['a', 'u', 'b', 'c']);
  });

  test('that became so while it ran comes first afterwards', async () => {
    const { reconcile, open } = gated();
    const queue = queueOf(reconcile, 1, { isUrgent });
    void queue.start(ended.signal);
    for (const key of ['u', 'b']) queue.add(key);
    await clock.advance(0);
    urgent.add('u');
    queue.add('u');
    open();
    await clock.advance(0);
    expect(ran).toEqual(['u', 'u']);
  });

  test('of one group does not keep that of another waiting behind a thousand', async () => {
    const queue = queueOf(async () => undefined, 1, {
      isUrgent: () => true,
      groupOf: (key) => key.split('/')[0] ?? '',
    });
    for (let index = 0; index < 1000; index += 1) queue.add(`many/${index}`);
    queue.add('few/a');
    void queue.start(ended.signal);
    await clock.advance(0);
    expect(ran.indexOf('few/a')).toBe(1);
  });
});
