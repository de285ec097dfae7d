/** What work queues tell, by the names of controller-runtime. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createLogger } from '@chaosplane/common';
import { manualClock, type ManualClock } from '@chaosplane/testkit/clocks';
import { Registry } from 'prom-client';
import { createQueueMetrics } from './metrics.ts';
import { createWorkQueue, type Reconciler, type WorkQueue } from './queue.ts';

const logger = createLogger({ level: 'silent' });
let clock: ManualClock;
let ended: AbortController;
let registry: Registry;

beforeEach(() => {
  clock = manualClock();
  ended = new AbortController();
  registry = new Registry();
});
afterEach(() => ended.abort());

function queueOf(reconcile: Reconciler): WorkQueue {
  const observer = createQueueMetrics(registry).of('experiments');
  return createWorkQueue({ name: 'experiments', concurrency: 2, reconcile, observer }, { clock, logger });
}

/** Lines of the page without comments, by what stands before the value. */
async function page(): Promise<ReadonlyMap<string, number>> {
  const lines = (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

const OF_QUEUE = '{name="experiments",controller="experiments"}';
const OF_CONTROLLER = '{controller="experiments"}';
const results = (page: ReadonlyMap<string, number>): (number | undefined)[] =>
  ['success', 'requeue_after', 'error'].map((result) =>
    page.get(`controller_runtime_reconcile_total{controller="experiments",result="${result}"}`),
  );

test('what waits, how long, and how many are worked on', async () => {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const queue = queueOf(() => promise);
  for (const key of ['a', 'b', 'c', 'a']) queue.add(key);
  await clock.advance(3000);
  expect((await page()).get(`workqueue_depth${OF_QUEUE}`)).toBe(3);
  void queue.start(ended.signal);
  await clock.advance(2000);
  const busy = await page();
  expect(busy.get(`workqueue_depth${OF_QUEUE}`)).toBe(1);
  expect(busy.get(`workqueue_adds_total${OF_QUEUE}`)).toBe(3);
  expect(busy.get(`workqueue_queue_duration_seconds_sum${OF_QUEUE}`)).toBe(6);
  expect(busy.get(`controller_runtime_active_workers${OF_CONTROLLER}`)).toBe(2);
  expect(busy.get(`controller_runtime_max_concurrent_reconciles${OF_CONTROLLER}`)).toBe(2);
  expect(busy.get(`workqueue_unfinished_work_seconds${OF_QUEUE}`)).toBe(4);
  expect(busy.get(`workqueue_longest_running_processor_seconds${OF_QUEUE}`)).toBe(2);
  resolve(undefined);
  await clock.advance(0);
  const idle = await page();
  expect(idle.get(`controller_runtime_active_workers${OF_CONTROLLER}`)).toBe(0);
  expect(idle.get(`workqueue_work_duration_seconds_sum${OF_QUEUE}`)).toBe(4);
  expect(idle.get(`controller_runtime_reconcile_time_seconds_count${OF_CONTROLLER}`)).toBe(3);
});

test('how visits ended, and what comes again', async () => {
  const queue = queueOf(async (key) => {
    if (key === 'bad') throw new Error('no');
    return key === 'later' ? { requeueAfterMs: 60_000 } : undefined;
  });
  expect(results(await page())).toEqual([0, 0, 0]);
  void queue.start(ended.signal);
  for (const key of ['good', 'later', 'bad']) queue.add(key);
  await clock.advance(0);
  const told = await page();
  expect(results(told)).toEqual([1, 1, 1]);
  expect(told.get(`controller_runtime_reconcile_errors_total${OF_CONTROLLER}`)).toBe(1);
  expect(told.get(`workqueue_retries_total${OF_QUEUE}`)).toBe(1);
});
