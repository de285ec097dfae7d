/** What is decided where policies are broken: before anything is begun, between two batches, and while faults are in force. */
import { describe, expect, test } from '@jest/globals';
import type { ExperimentCondition, KnownPolicy } from '@chaosplane/api';
import { clusterOf, policyOf, type Change } from '../../test/policies.ts';
import { Simulation, specOf } from '../../test/simulation.ts';
import type { PolicyInput } from '../policy/input.ts';
import { foresee } from './policy.ts';
import type { Candidate } from './select.ts';

const web = ['a', 'b', 'c'].map((name) => ({
  ...{ namespace: 'default', name, uid: `uid-${name}`, labels: {}, ready: true, node: 'n1' },
  workload: { kind: 'Deployment', namespace: 'default', name: 'web' },
}));

const inputOf = (policies: readonly KnownPolicy[] | undefined, change: Change = {}): PolicyInput => ({
  policies,
  cluster: clusterOf({ pods: web, ...change }),
});

/** An experiment on all three pods of web, with what differs, under these policies. */
function under(policies: readonly KnownPolicy[], change: object = {}): Simulation {
  const simulation = new Simulation(specOf(change));
  simulation.observation = { policy: inputOf(policies) };
  return simulation;
}

/** What the policies become from now on. */
function become(simulation: Simulation, policies: readonly KnownPolicy[] | undefined, change: Change = {}): void {
  simulation.observation = { ...simulation.observation, policy: inputOf(policies, change) };
}

const within = (simulation: Simulation): ExperimentCondition | undefined =>
  simulation.status.conditions.find(({ type }) => type === 'WithinPolicy');

const halt = policyOf({ halt: true }, 'stop');
const two = policyOf({ targetLimits: { maxTargets: 2 } }, 'two');

describe('an experiment that breaks a policy', () => {
  test('is refused before anything is begun, and the reason is told', () => {
    const simulation = under([two]);
    simulation.run();
    const message =
      'policy two, rule maxTargets: 3 targets at the same time would be more than 2: 3 of this experiment';
    expect(simulation.phases).toEqual(['Pending', 'Failed']);
    expect(simulation.injections).toEqual([]);
    expect(simulation.status).toMatchObject({ verdict: 'Inconclusive', outcome: { phase: 'Failed', message } });
    expect(simulation.status.conditions.slice(0, 2)).toMatchObject([
      { type: 'Selected', status: 'False', reason: 'PolicyDenied', message },
      { type: 'HypothesisHeld', reason: 'NotRun' },
    ]);
  });

  test('is told in a dry run as well, which goes on to say what would happen', () => {
    const simulation = under([two], { execution: { dryRun: true } });
    expect(simulation.step()).toMatchObject({
      kind: 'preview',
      dryRun: { selection: { chosen: [{}, {}, {}] }, policies: { denied: expect.stringContaining('rule maxTargets') } },
    });
  });

  test('and without a target says that, as before', () => {
    const simulation = under([halt], { target: { names: ['gone'] } });
    simulation.run();
    expect(simulation.status.conditions[0]).toMatchObject({ reason: 'NoTarget' });
  });

  test('is not begun where the policies are not known; what runs already goes on', () => {
    const pending = new Simulation(specOf());
    become(pending, undefined);
    pending.run();
    expect(pending.status.outcome?.message).toMatch(/^the policies of the cluster are not known: is the kind/);
    const running = under([]);
    running.run(500, () => running.status.effectiveAt !== undefined);
    become(running, undefined);
    running.run();
    expect(running.status.phase).toBe('Completed');
  });
});

describe('an experiment under way', () => {
  test('is recovered as a whole before the next batch, when something else has become unavailable', () => {
    const least = policyOf({ targetLimits: { minAvailable: 1 } }, 'least');
    const simulation = under([least], { target: { names: ['a', 'b'], mode: 'all' }, execution: { parallelism: 1 } });
    simulation.run(500, () => simulation.injections.length === 1);
    become(simulation, [least], { pods: web.map((pod) => (pod.name === 'c' ? { ...pod, ready: false } : pod)) });
    simulation.run();
    expect(simulation.injections).toEqual(['uid-a']);
    expect(simulation.phases.slice(-3)).toEqual(['Running', 'Recovering', 'Aborted']);
    const message =
      'policy least, rule minAvailable: 0 of 3 pods of Deployment default/web would be available, fewer than 1: 2 hit by this experiment, 1 not Ready (c)';
    expect(simulation.status).toMatchObject({ verdict: 'Inconclusive', outcome: { phase: 'Aborted', message } });
    expect(within(simulation)).toMatchObject({ status: 'False', reason: 'PolicyDenied', message });
    expect([...simulation.executions.values()]).toEqual([{ live: false, endReason: 'cancelled' }]);
  });

  test.each(['SteadyStateChecking', 'Running', 'Completing'] as const)(
    'is stopped by the kill switch in %s',
    (phase) => {
      const simulation = under([]);
      simulation.run(500, () => simulation.status.phase === phase);
      become(simulation, [halt]);
      simulation.run();
      expect(simulation.status).toMatchObject({
        phase: 'Aborted',
        outcome: { message: expect.stringMatching(/^policy stop, rule halt: /) },
      });
      expect([...simulation.executions.values()].filter(({ live }) => live)).toEqual([]);
    },
  );

  test('is recovered by it also where its author leaves the end to the TTL', () => {
    const simulation = under([], { rollback: { enabled: false } });
    simulation.run(500, () => simulation.status.effectiveAt !== undefined);
    become(simulation, [halt]);
    simulation.run();
    expect([...simulation.executions.values()].filter(({ live }) => live)).toEqual([]);
    expect(simulation.status.conditions).toContainEqual(expect.objectContaining({ type: 'Recovered', status: 'True' }));
  });

  test('and where the steady state is still asked for after that end', () => {
    const probe = { type: 'http', url: 'http://127.0.0.1:1/' };
    const simulation = under([], { rollback: { enabled: false }, steadyState: { after: [probe] } });
    simulation.outcome = () => ({ outcome: 'fail', message: 'status 500', tookMs: 1 });
    simulation.run(500, () => simulation.status.phase === 'Recovering');
    simulation.step();
    become(simulation, [halt]);
    simulation.run();
    expect([...simulation.executions.values()].filter(({ live }) => live)).toEqual([]);
    expect(simulation.status.phase).toBe('Aborted');
  });

  test('ends as its user asked for, where a policy is broken at the same time', () => {
    const simulation = under([]);
    simulation.run(500, () => simulation.status.effectiveAt !== undefined);
    simulation.observation = { ...simulation.observation, abort: 'a user asked for it' };
    become(simulation, [halt]);
    simulation.run();
    expect(simulation.status.outcome).toEqual({ phase: 'Aborted', message: 'a user asked for it' });
  });

  test('is judged by what is in force, not by what is over', () => {
    const simulation = under([]);
    simulation.run(500, () => simulation.status.effectiveAt !== undefined);
    for (const id of simulation.executions.keys()) simulation.executions.set(id, { live: false, endReason: 'done' });
    simulation.step();
    become(simulation, [halt]);
    simulation.run();
    expect(simulation.status.phase).toBe('Completed');
  });
});

describe('a policy that only audits', () => {
  const audit = policyOf({ enforcement: 'Audit', targetLimits: { maxTargets: 2 } }, 'look');

  test('lets the experiment run to its end, and is told once', () => {
    const simulation = under([audit]);
    simulation.run(500, () => simulation.status.phase === 'SteadyStateChecking');
    const line = 'policy look, rule maxTargets: 3 targets at the same time would be more than 2: 3 of this experiment';
    expect(within(simulation)).toEqual({ type: 'WithinPolicy', status: 'False', reason: 'PolicyAudit', message: line });
    simulation.run();
    expect(simulation.status.phase).toBe('Completed');
    expect(within(simulation)?.message).toBe(line);
  });

  test('is told a line for each rule, also what comes later', () => {
    const simulation = under([audit]);
    simulation.run(500, () => simulation.status.effectiveAt !== undefined);
    become(simulation, [audit, policyOf({ enforcement: 'Audit', actionLimits: { maxDuration: '1s' } }, 'short')]);
    simulation.run();
    expect(within(simulation)?.message.split('\n')).toEqual([
      expect.stringMatching(/^policy look, rule maxTargets/),
      'policy short, rule maxDuration: a duration of 10s is longer than 1s',
    ]);
  });
});

test('dynamic targets grow as far as a policy goes, and no further', () => {
  const pods = (count: number): Candidate[] =>
    ['a', 'b', 'c'].slice(0, count).map((name) => ({
      ...{ namespace: 'default', name, uid: `uid-${name}`, labels: {}, running: true, hostNetwork: false },
    }));
  const simulation = under([two], { target: { labelSelector: {}, mode: 'all', dynamic: true } });
  simulation.observation = { ...simulation.observation, candidates: pods(1) };
  simulation.run(100, () => simulation.status.effectiveAt !== undefined);
  simulation.observation = { ...simulation.observation, candidates: pods(3) };
  const until = simulation.now + 4000;
  simulation.run(100, () => simulation.now >= until);
  expect(simulation.status.targets.map(({ state }) => state)).toEqual(['Injected', 'Injected']);
  simulation.run();
  expect(simulation.status.phase).toBe('Completed');
});

describe('an experiment that is not there yet', () => {
  const candidates = web.map(({ name, uid }): Candidate => ({
    ...{ namespace: 'default', name, uid, labels: {}, running: true, hostNetwork: false, node: 'n1' },
  }));
  const foreseen = (policies: readonly KnownPolicy[] | undefined, change: object = {}, cluster: Change = {}) =>
    foresee(specOf(change), { candidates, policy: inputOf(policies, cluster) }, 0);

  test('is told what would refuse it', () => {
    expect(foreseen([two, halt])?.map(({ rule }) => rule)).toEqual(['maxTargets', 'halt']);
    expect(foreseen([])).toEqual([]);
    expect(foreseen(undefined)).toBeUndefined();
    expect(foreseen([halt], { target: { names: ['gone'] } })).toEqual([]);
  });

  test('is told nothing that depends on the draw, unless a seed decides it', () => {
    const protect = policyOf({ scope: { labelSelector: { matchLabels: { tier: 'gold' } } }, halt: true }, 'gold');
    const gold = { pods: web.map((pod) => (pod.name === 'a' ? { ...pod, labels: { tier: 'gold' } } : pod)) };
    const one = (seed?: number): object => ({ target: { names: ['a', 'b', 'c'], mode: 'one', ...(seed && { seed }) } });
    expect(foreseen([protect], one(), gold)).toEqual([]);
    const bySeed = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => foreseen([protect], one(seed), gold)?.length);
    expect(new Set(bySeed)).toEqual(new Set([0, 1]));
  });
});
