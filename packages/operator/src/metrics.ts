/** What the operator counts for Prometheus. The number of series does not grow with experiments, targets or nodes. */
import { isFinal, type ExperimentObject, type Phase } from '@chaosplane/api';
import { VERSION, type Turned } from '@chaosplane/common';
import type { Informer } from '@chaosplane/kube';
import { createQueueMetrics, type QueueMetrics } from '@chaosplane/kube/metrics';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Copies of the experiments; empty while this replica does not lead. */
type Experiments = Pick<Informer<ExperimentObject>, 'list'>;

/** The metrics of one operator. */
export interface OperatorMetrics {
  readonly registry: Registry;
  readonly queues: QueueMetrics;
  /** Whether this replica holds the Lease of that name. */
  leads(lease: string, leading: boolean): void;
  /** Begins to count these experiments, in place of those before. */
  watch(experiments: Experiments): void;
  /** An experiment has its effect: all targets are injected, or those that can be. Seconds. */
  effective(took: number): void;
  /** Nothing of an experiment is left, since its recovery began. Seconds. */
  clean(took: number): void;
  /** An execution without an experiment was found, and cancelled. */
  residue(): void;
  /** A connection was turned away at a port. */
  countTurned(port: string, why: Turned): void;
}

/** In seconds. */
const BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60];

/** Of the process; the others that prom-client has are series for each kind of garbage collection and each part of the heap. */
const OF_PROCESS = [
  ...['process_cpu_seconds_total', 'process_resident_memory_bytes', 'process_start_time_seconds', 'process_open_fds'],
  ...['process_max_fds', 'nodejs_eventloop_lag_p99_seconds', 'nodejs_heap_size_used_bytes', 'nodejs_version_info'],
];

/** The metrics, of which all but those of the process are 0. */
export function createOperatorMetrics(): OperatorMetrics {
  const registry = new Registry();
  const registers = [registry];
  withProcess(registry);
  new Gauge({
    ...{ name: 'chaosplane_build_info', help: 'The version of this operator', labelNames: ['version'], registers },
  }).set({ version: VERSION }, 1);
  const leader = new Gauge({
    // The name of client-go: https://pkg.go.dev/k8s.io/client-go/tools/leaderelection
    ...{ name: 'leader_election_master_status', labelNames: ['name'], registers },
    help: 'Whether this replica leads: 1, or 0',
  });
  const effective = new Histogram({
    ...{ name: 'chaosplane_apply_to_effect_seconds', buckets: BUCKETS, registers },
    help: 'From when the operator sees an experiment until its targets are injected',
  });
  const clean = new Histogram({
    ...{ name: 'chaosplane_cancel_to_clean_seconds', buckets: BUCKETS, registers },
    help: 'From when the recovery of an experiment begins until nothing of it is left on any node',
  });
  const residue = new Counter({
    ...{ name: 'chaosplane_residue_found_total', registers },
    help: 'Executions, cordons and taints that had no experiment any more, and were taken away',
  });
  const turned = new Counter({
    name: 'chaosplane_operator_connections_turned_away_total',
    help: 'Connections that were not let in, or ended because they wanted too much, by port and reason',
    labelNames: ['port', 'reason'],
    registers,
  });
  let experiments: Experiments = { list: () => [] };
  countExperiments(registry, () => experiments.list());
  return {
    registry,
    queues: createQueueMetrics(registry),
    leads: (name, leading) => leader.set({ name }, leading ? 1 : 0),
    watch(given) {
      experiments = given;
    },
    effective: (took) => effective.observe(took),
    clean: (took) => clean.observe(took),
    residue: () => residue.inc(),
    countTurned: (port, reason) => turned.inc({ port, reason }),
  };
}

function withProcess(registry: Registry): void {
  const all = new Registry();
  collectDefaultMetrics({ register: all });
  for (const name of OF_PROCESS) {
    const metric = all.getSingleMetric(name);
    if (metric !== undefined) registry.registerMetric(metric);
  }
}

const PHASES: readonly Phase[] = ['Pending', 'SteadyStateChecking', 'Running', 'Completing', 'Recovering'];
const STATES = ['waiting', 'injected', 'recovering'] as const;

/** Those that have not ended; the others are objects and no more. */
function countExperiments(registry: Registry, list: () => readonly ExperimentObject[]): void {
  const registers = [registry];
  new Gauge({
    ...{ name: 'chaosplane_experiments', labelNames: ['phase'], registers },
    help: 'Experiments that have not ended, by phase',
    collect() {
      const found = Map.groupBy(list(), phaseOf);
      for (const phase of PHASES) this.set({ phase }, found.get(phase)?.length ?? 0);
    },
  });
  new Gauge({
    ...{ name: 'chaosplane_executions', labelNames: ['state'], registers },
    help: 'Executions of experiments that have not ended: waiting to be injected, injected, or being recovered',
    collect() {
      const sum = { waiting: 0, injected: 0, recovering: 0 };
      for (const object of list()) {
        const phase = phaseOf(object);
        if (isFinal({ phase })) continue;
        const { waiting = 0, injected = 0 } = object.status?.counts ?? {};
        sum[phase === 'Recovering' ? 'recovering' : 'injected'] += injected;
        if (phase !== 'Recovering') sum.waiting += waiting;
      }
      for (const state of STATES) this.set({ state }, sum[state]);
    },
  });
  new Gauge({
    ...{ name: 'chaosplane_recoveries_pending', registers },
    help: 'Experiments that recover: faults of theirs are being undone, or their steady state is waited for',
    collect() {
      this.set(list().filter((object) => phaseOf(object) === 'Recovering').length);
    },
  });
}

function phaseOf({ status }: ExperimentObject): Phase {
  return status?.phase ?? 'Pending';
}
