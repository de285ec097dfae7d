/** What the operator counts, and that it does not grow with what there is to count. */
import { expect, test } from '@jest/globals';
import {
  initialStatus,
  statusDocument,
  type ExperimentObject,
  type ExperimentStatus,
  type Phase,
} from '@chaosplane/api';
import { VERSION } from '@chaosplane/common';
import { createOperatorMetrics } from './metrics.ts';

/** An experiment of that phase with so many targets, all of them injected. */
function experiment(name: string, phase: Phase, count: number): ExperimentObject {
  const targets = Array.from({ length: count }, (_, index) => ({
    ...({
      namespace: 'shop',
      name: `pod-${index}`,
      uid: `${name}-${index}`,
      state: 'Injected',
      executionId: `x${index}`,
    } as const),
  }));
  const status: ExperimentStatus = { ...initialStatus, phase, targets };
  return {
    apiVersion: 'chaos.chaosplane.io/v1alpha1',
    kind: 'ChaosExperiment',
    metadata: { namespace: 'shop', name, uid: name },
    spec: {},
    status: statusDocument(status, { generation: 1, previous: undefined, now: 0 }),
  };
}

const series = (page: string): string[] => page.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

test('has at most 200 series for 2,000 targets in 100 experiments, with every queue in use', async () => {
  const metrics = createOperatorMetrics();
  for (const name of ['experiments', 'endpoints', 'orphans', 'nodes']) {
    const queue = metrics.queues.of(name);
    queue.started({ depth: () => 0, running: () => [1] }, 16);
    queue.added();
    queue.began(0.1);
    queue.ended('error', 0.1);
    queue.retried();
  }
  metrics.leads('chaosplane-operator', true);
  metrics.effective(0.2);
  metrics.clean(0.2);
  const phases = ['Pending', 'SteadyStateChecking', 'Running', 'Completing', 'Recovering', 'Completed'] as const;
  const many = Array.from({ length: 100 }, (_, index) => experiment(`e${index}`, phases[index % 6] ?? 'Running', 20));
  metrics.watch({ list: () => many });
  const found = series(await metrics.registry.metrics());
  expect(found.length).toBeGreaterThan(100);
  expect(found.length).toBeLessThanOrEqual(200);
});

test('counts what has not ended, by phase and state', async () => {
  const metrics = createOperatorMetrics();
  const objects = [
    experiment('a', 'Running', 3),
    experiment('b', 'Recovering', 2),
    experiment('c', 'Completed', 5),
    { ...experiment('d', 'Pending', 0), status: undefined },
  ] as ExperimentObject[];
  metrics.watch({ list: () => objects });
  metrics.residue();
  const page = series(await metrics.registry.metrics());
  expect(page).toEqual(
    expect.arrayContaining([
      'chaosplane_experiments{phase="Pending"} 1',
      'chaosplane_experiments{phase="Running"} 1',
      'chaosplane_experiments{phase="Completing"} 0',
      'chaosplane_executions{state="injected"} 3',
      'chaosplane_executions{state="recovering"} 2',
      'chaosplane_recoveries_pending 1',
      'chaosplane_residue_found_total 1',
      `chaosplane_build_info{version="${VERSION}"} 1`,
    ]),
  );
});

test('counts nothing any more when it does not lead', async () => {
  const metrics = createOperatorMetrics();
  metrics.leads('chaosplane-operator', true);
  metrics.watch({ list: () => [experiment('a', 'Running', 3)] });
  metrics.leads('chaosplane-operator', false);
  metrics.watch({ list: () => [] });
  const page = series(await metrics.registry.metrics());
  expect(page).toContain('leader_election_master_status{name="chaosplane-operator"} 0');
  expect(page).toContain('chaosplane_executions{state="injected"} 0');
});

/**
 * What the dashboard of controller-runtime asks for, and by which labels it adds up:
 * https://github.com/kubernetes-sigs/kubebuilder/blob/master/pkg/plugins/optional/grafana/v1alpha/scaffolds/internal/templates/runtime.go
 */
const ON_THE_DASHBOARD: readonly (readonly [metric: string, label: string])[] = [
  ['controller_runtime_active_workers', 'controller'],
  ['controller_runtime_reconcile_total', 'controller'],
  ['controller_runtime_reconcile_errors_total', 'controller'],
  ['workqueue_depth', 'name'],
  ['workqueue_queue_duration_seconds_bucket', 'name'],
  ['workqueue_adds_total', 'name'],
  ['workqueue_unfinished_work_seconds', 'name'],
  ['workqueue_work_duration_seconds_bucket', 'name'],
  ['workqueue_retries_total', 'name'],
];

test('has what the dashboard of controller-runtime asks for, errors and retries that there were none of included', async () => {
  const metrics = createOperatorMetrics();
  const queue = metrics.queues.of('experiments');
  queue.started({ depth: () => 0, running: () => [] }, 16);
  queue.added();
  queue.began(0.1);
  queue.ended('success', 0.1);
  const page = series(await metrics.registry.metrics());
  const missing = ON_THE_DASHBOARD.filter(
    ([metric, label]) => !page.some((line) => line.startsWith(`${metric}{`) && line.includes(`${label}="experiments"`)),
  );
  expect(missing).toEqual([]);
});
