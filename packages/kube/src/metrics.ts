/**
 * The metrics of work queues, by the names that controller-runtime gives them, so that dashboards that are made for it show data:
 * https://book.kubebuilder.io/reference/metrics-reference
 */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { QueueObserver, QueueState, ReconcileResult } from './queue-times.ts';

/** In seconds, and few: each is a series of each histogram of each queue. */
const BUCKETS = [0.005, 0.05, 0.25, 1, 5, 30];

/** The metrics of all queues of a program. */
export interface QueueMetrics {
  /** Those of one queue, which reconciles for the controller of that name. */
  of(name: string): QueueObserver;
}

/** Registers them; nothing is counted until a queue is observed. */
export function createQueueMetrics(registry: Registry): QueueMetrics {
  const registers = [registry];
  const states = new Map<string, QueueState>();
  const gauge = (name: string, help: string, value: (state: QueueState) => number): Gauge =>
    new Gauge({
      ...{ name, help, labelNames: ['name', 'controller'], registers },
      collect() {
        for (const [queue, state] of states) this.set({ name: queue, controller: queue }, value(state));
      },
    });
  gauge('workqueue_depth', 'Keys that wait for a worker', (state) => state.depth());
  gauge('workqueue_unfinished_work_seconds', 'How long the keys that are worked on have been, together', (state) =>
    state.running().reduce((sum, seconds) => sum + seconds, 0),
  );
  gauge('workqueue_longest_running_processor_seconds', 'How long the one has been that is worked on longest', (state) =>
    Math.max(0, ...state.running()),
  );
  new Gauge({
    name: 'controller_runtime_active_workers',
    help: 'Keys that are worked on',
    labelNames: ['controller'],
    registers,
    collect() {
      for (const [controller, state] of states) this.set({ controller }, state.running().length);
    },
  });
  const counters = countersOf(registry);
  return {
    of: (name) => {
      const queue = { name, controller: name };
      const controller = { controller: name };
      return {
        started(state, workers) {
          states.set(name, state);
          counters.workers.set(controller, workers);
          for (const result of RESULTS) counters.reconciles.inc({ ...controller, result }, 0);
          counters.errors.inc(controller, 0);
          counters.added.inc(queue, 0);
          counters.retried.inc(queue, 0);
        },
        added: () => counters.added.inc(queue),
        retried: () => counters.retried.inc(queue),
        began: (waited) => counters.waited.observe(queue, waited),
        ended(result, took) {
          counters.took.observe(queue, took);
          counters.reconciled.observe(controller, took);
          counters.reconciles.inc({ ...controller, result });
          if (result === 'error') counters.errors.inc(controller);
        },
      };
    },
  };
}

const RESULTS: readonly ReconcileResult[] = ['success', 'requeue_after', 'error'];

function countersOf(registry: Registry) {
  const registers = [registry];
  const ofQueue = { labelNames: ['name', 'controller'], registers };
  const ofController = { labelNames: ['controller'], registers };
  return {
    added: new Counter({ ...ofQueue, name: 'workqueue_adds_total', help: 'Keys that were added' }),
    retried: new Counter({
      ...ofQueue,
      name: 'workqueue_retries_total',
      help: 'Keys that come again because they failed',
    }),
    waited: new Histogram({
      ...{ ...ofQueue, buckets: BUCKETS },
      ...{ name: 'workqueue_queue_duration_seconds', help: 'How long keys waited for a worker' },
    }),
    took: new Histogram({
      ...{ ...ofQueue, buckets: BUCKETS },
      ...{ name: 'workqueue_work_duration_seconds', help: 'How long keys were worked on' },
    }),
    workers: new Gauge({
      ...{ ...ofController, name: 'controller_runtime_max_concurrent_reconciles' },
      help: 'Keys that can be worked on at the same time',
    }),
    errors: new Counter({
      ...{ ...ofController, name: 'controller_runtime_reconcile_errors_total' },
      help: 'Visits that failed, and come again',
    }),
    reconciles: new Counter({
      ...{ name: 'controller_runtime_reconcile_total', help: 'Visits, by how they ended' },
      ...{ labelNames: ['controller', 'result'], registers },
    }),
    reconciled: new Histogram({
      ...{ ...ofController, buckets: BUCKETS },
      ...{ name: 'controller_runtime_reconcile_time_seconds', help: 'How long visits took' },
    }),
  };
}
