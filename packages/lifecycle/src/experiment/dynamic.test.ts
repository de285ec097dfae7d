/** Dynamic targets: what takes the place of a target is hit, too, as many as the mode wants, and no longer than the rest. */
import { describe, expect, test } from '@jest/globals';
import type { TargetStatus } from '@chaosplane/api';
import { Simulation, specOf } from '../../test/simulation.ts';
import type { Candidate } from './select.ts';

const pod = (name: string, changes: Partial<Candidate> = {}): Candidate => ({
  ...{ namespace: 'default', name, uid: `uid-${name}`, labels: { app: 'web' }, running: true, hostNetwork: false },
  ...changes,
});

/** An experiment on pods of one label, once its duration counts. */
function running(target: object, pods: readonly Candidate[]): Simulation {
  const labelSelector = { matchLabels: { app: 'web' } };
  const simulation = new Simulation(specOf({ target: { labelSelector, dynamic: true, ...target } }));
  simulation.observation = { candidates: pods };
  simulation.run(100, () => simulation.status.effectiveAt !== undefined);
  return simulation;
}

function goes(simulation: Simulation, name: string, endReason = 'target-gone'): void {
  simulation.executions.set(`x-uid-${name}`, { live: false, endReason });
}

/** What there is of pods from here on, and some time. */
function becomes(simulation: Simulation, pods: readonly Candidate[], ms = 2000): void {
  simulation.observation = { ...simulation.observation, candidates: pods };
  const until = simulation.now + ms;
  simulation.run(200, () => simulation.now >= until);
}

const states = ({ status }: Simulation): string[] => status.targets.map(({ name, state }) => `${name} ${state}`);
const ttlOf = ({ injections }: Simulation, uid: string): number => injections.filter((one) => one === uid).length;

describe('a dynamic target', () => {
  test('that goes away has its place taken, one time, and the experiment ends as if nothing had happened', () => {
    const simulation = running({ mode: 'all' }, [pod('a'), pod('b')]);
    goes(simulation, 'a');
    becomes(simulation, [pod('b'), pod('c')]);
    expect(states(simulation)).toEqual(['a Recovered', 'b Injected', 'c Injected']);
    simulation.run();
    expect(ttlOf(simulation, 'uid-c')).toBe(1);
    expect(simulation.status).toMatchObject({ phase: 'Completed' });
    expect(simulation.status.outcome?.message).toContain('1 of 3 targets went away before the end (default/a');
  });

  test('of a StatefulSet is another one of the same name', () => {
    const simulation = running({ mode: 'all' }, [pod('db-0')]);
    goes(simulation, 'db-0');
    becomes(simulation, [pod('db-0', { uid: 'uid-later' })]);
    expect(simulation.injections).toEqual(['uid-db-0', 'uid-later']);
  });

  test('is waited for while none is there', () => {
    const simulation = running({ mode: 'one' }, [pod('a')]);
    goes(simulation, 'a');
    becomes(simulation, [pod('b', { running: false })], 3000);
    expect([simulation.status.phase, states(simulation)]).toEqual(['Running', ['a Recovered']]);
    becomes(simulation, [pod('b')]);
    expect(states(simulation)).toEqual(['a Recovered', 'b Injected']);
  });

  test.each<[mode: object, from: number, to: number, hit: number]>([
    [{ mode: 'one' }, 3, 9, 1],
    [{ mode: 'fixed', value: 2 }, 3, 9, 2],
    [{ mode: 'fixed-percent', value: 50 }, 4, 10, 5],
    [{ mode: 'all' }, 3, 6, 6],
    [{ mode: 'fixed-percent', value: 50 }, 10, 4, 5],
  ])('follows the mode %j when %d pods become %d', (mode, from, to, hit) => {
    const pods = (count: number): Candidate[] => Array.from({ length: count }, (_, index) => pod(`p${index}`));
    const simulation = running(mode, pods(from));
    becomes(simulation, pods(to));
    expect(simulation.status.targets.filter(({ state }) => state === 'Injected')).toHaveLength(hit);
  });

  test('gets nothing in its place when a user cancels its fault, or when it was missed', () => {
    const simulation = new Simulation(
      specOf({ target: { labelSelector: {}, mode: 'fixed', value: 2, dynamic: true } }),
    );
    const pods = [pod('a'), pod('b'), pod('c'), pod('d')];
    const tried: TargetStatus['uid'][] = [];
    simulation.injects = (uid) => tried.push(uid) > 1;
    simulation.observation = { candidates: pods };
    simulation.run(100, () => simulation.status.effectiveAt !== undefined);
    const [hit] = simulation.injections;
    simulation.executions.set(`x-${hit ?? ''}`, { live: false, endReason: 'cancelled' });
    becomes(simulation, pods);
    expect(tried).toHaveLength(2);
  });

  test('lives no longer than the rest, and one that cannot be hit any more is missed', () => {
    const simulation = running({ mode: 'all' }, [pod('a')]);
    becomes(simulation, [pod('a')], 4000);
    goes(simulation, 'a');
    simulation.injects = () => false;
    simulation.observation = {
      ...simulation.observation,
      candidates: [pod('b')],
      asking: { held: new Set(['uid-b']), underWay: 0, why: new Map() },
    };
    simulation.run();
    expect(states(simulation)).toEqual(['a Recovered', 'b Missed']);
    expect(simulation.status.targets[1]?.message).toBe('not injected before the end');
    const later = running({ mode: 'all' }, [pod('a')]);
    becomes(later, [pod('a')], 4000);
    goes(later, 'a');
    later.observation = { ...later.observation, candidates: [pod('b')] };
    const ttls: number[] = [];
    while (later.injections.length < 2) {
      const decision = later.step();
      if (decision.kind === 'inject') ttls.push(decision.ttlMs - (later.status.effectiveAt! + 10_000 - later.now));
    }
    // What is left of the duration, and the margin of five seconds; it took 100 ms to inject.
    expect(ttls).toEqual([5100]);
  });
});

test('targets that are not dynamic are chosen once', () => {
  const simulation = running({ mode: 'all', dynamic: false }, [pod('a')]);
  becomes(simulation, [pod('a'), pod('b')]);
  expect(simulation.injections).toEqual(['uid-a']);
});
