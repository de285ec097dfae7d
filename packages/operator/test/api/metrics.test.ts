/** What an operator counts while it works, on a real API server. */
import { expect, jest, test } from '@jest/globals';
import { isFinal } from '@chaosplane/api';
import { eventually } from '@chaosplane/testkit/eventually';
import { eachOnStage } from './each-on-stage.ts';
import { type Stage } from './stage.ts';

jest.setTimeout(90_000);

let stage: Stage;

eachOnStage((next) => {
  stage = next;
});

const LEADS = 'leader_election_master_status{name="chaosplane-operator"}';
const INJECTED = 'chaosplane_executions{state="injected"}';

test('an experiment is counted while it is in force, and its times once it has ended', async () => {
  const [n1, n2] = stage.nodes;
  await stage.addPod('a', n1!);
  await stage.addPod('b', n2!);
  const operator = stage.startOperator();
  const target = { labelSelector: { matchLabels: { app: 'web' } }, mode: 'all' };
  const action = { type: 'network-delay', parameters: { latency: '100ms' } };
  await stage.apply('slow', { target, action, duration: '3s' });
  await stage.until('slow', ({ status }) => status?.effectiveAt !== undefined);
  const during = await eventually('both executions are counted', async () => {
    const page = await operator.metrics();
    return page.get(INJECTED) === 2 ? page : undefined;
  });
  expect(during.get(LEADS)).toBe(1);
  expect(during.get('chaosplane_experiments{phase="Running"}')).toBe(1);
  expect(during.get('chaosplane_apply_to_effect_seconds_count')).toBe(1);
  expect(during.get('chaosplane_apply_to_effect_seconds_sum')).toBeGreaterThan(0);
  await stage.until('slow', ({ status }) => isFinal({ phase: status?.phase ?? 'Pending' }));
  const after = await eventually('neither is', async () => {
    const page = await operator.metrics();
    return page.get(INJECTED) === 0 ? page : undefined;
  });
  expect(after.get('chaosplane_cancel_to_clean_seconds_count')).toBe(1);
  expect(after.get('chaosplane_residue_found_total')).toBe(0);
  for (const controller of ['experiments', 'endpoints', 'orphans']) {
    const visits = ['success', 'requeue_after'].map(
      (result) => after.get(`controller_runtime_reconcile_total{controller="${controller}",result="${result}"}`) ?? 0,
    );
    expect({ controller, visited: visits.some((count) => count > 0) }).toEqual({ controller, visited: true });
  }
  await operator.stop();
  expect((await operator.metrics()).get(LEADS)).toBe(0);
});
