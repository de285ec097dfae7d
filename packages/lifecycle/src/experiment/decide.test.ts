/** Each turn that the life of an experiment can take, and that it always ends with nothing left. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Asking } from './observation.ts';
import { isFinal, withTargets, type TargetStatus } from '@chaosplane/api';
import { Simulation, specOf as spec } from '../../test/simulation.ts';

const conditions = (simulation: Simulation): string[] =>
  simulation.status.conditions.map(({ type, status }) => `${type}=${status}`);

describe('an experiment', () => {
  test('goes through its phases in order and ends with everything recovered', () => {
    const simulation = new Simulation(spec());
    simulation.run();
    expect(simulation.phases).toEqual([
      'Pending',
      'SteadyStateChecking',
      'Running',
      'Completing',
      'Recovering',
      'Completed',
    ]);
    expect(simulation.injections).toEqual(['uid-a', 'uid-b', 'uid-c']);
    expect(conditions(simulation)).toEqual([
      'Selected=True',
      'Injected=True',
      'EffectObserved=True',
      'Recovered=True',
      'HypothesisHeld=Unknown',
      'Complete=True',
    ]);
  });

  test('counts its duration from the moment the last target is injected, and extends the first ones', () => {
    const simulation = new Simulation(spec());
    simulation.run(500, () => simulation.status.phase === 'Completing');
    expect(simulation.now - (simulation.status.effectiveAt ?? 0)).toBe(10_000);
    expect(simulation.extended).toEqual([15_000]);
  });

  test('tells when the executions end at the latest that have a deadline, and of no others', () => {
    const simulation = new Simulation(spec());
    simulation.run(500, () => simulation.status.targets.at(-1)?.state === 'Injected');
    const [first] = simulation.status.targets;
    simulation.status = withTargets(simulation.status, new Map([[first?.uid ?? '', { expiresAt: 1 }]]));
    const decision = simulation.step();
    const ends = simulation.status.targets.map(({ uid, expiresAt }) => [uid, expiresAt]);
    expect(decision.kind).toBe('extend');
    expect(ends).toEqual([
      ['uid-a', simulation.now + 15_000],
      ['uid-b', undefined],
      ['uid-c', undefined],
    ]);
  });

  test('goes on to others before it asks once more for a target that could not be injected yet', () => {
    const simulation = new Simulation(spec({ execution: { parallelism: 1 } }));
    simulation.run(500, () => simulation.status.phase === 'Running');
    simulation.observation = { tried: new Map([['uid-a', 1]]) };
    const decision = simulation.step();
    expect(decision).toMatchObject({ kind: 'inject', targets: [{ uid: 'uid-b' }] });
  });

  describe('with injections that are under way', () => {
    const asking = (change: Partial<Asking>): Asking => ({ held: new Set(), underWay: 0, why: new Map(), ...change });
    const running = (parallelism: number): Simulation => {
      const simulation = new Simulation(spec({ execution: { parallelism } }));
      simulation.run(500, () => simulation.status.phase === 'Running');
      return simulation;
    };

    test('asks for no more at a time than is allowed, and for none twice', () => {
      const simulation = running(2);
      simulation.observation = { asking: asking({ held: new Set(['uid-a']), underWay: 1 }) };
      expect(simulation.step()).toMatchObject({ kind: 'inject', targets: [{ uid: 'uid-b' }] });
      simulation.observation = { asking: asking({ held: new Set(['uid-a', 'uid-c']), underWay: 2 }) };
      expect(simulation.step()).toMatchObject({ kind: 'wait' });
    });

    test('asks for the others while those of a silent node are waited for, which are missed in the end, with the reason', () => {
      const simulation = running(1);
      const why = new Map([['uid-a', 'the daemon of n1 does not answer']]);
      simulation.observation = { asking: asking({ held: new Set(['uid-a']), why }) };
      simulation.run(500, () => simulation.status.effectiveAt !== undefined);
      expect(simulation.injections).toEqual(['uid-b', 'uid-c']);
      expect(simulation.status.targets[0]).toMatchObject({
        state: 'Missed',
        message: 'not injected within 1m: the daemon of n1 does not answer',
      });
    });

    test('takes one of each node after the other', () => {
      const simulation = running(10);
      const [a, b, c] = simulation.status.targets;
      const on = (node: string, target: TargetStatus | undefined) => ({ ...target, node }) as TargetStatus;
      simulation.status = { ...simulation.status, targets: [on('n1', a), on('n1', b), on('n2', c)] };
      expect(simulation.step()).toMatchObject({ targets: [{ uid: 'uid-a' }, { uid: 'uid-c' }, { uid: 'uid-b' }] });
    });
  });

  test('whose operator was away while it was injected says that this is not known', () => {
    const simulation = new Simulation(spec());
    simulation.run(500, () => simulation.status.phase === 'Running');
    simulation.now += 600_000;
    simulation.run();
    expect(simulation.status).toMatchObject({ phase: 'Failed', targets: [{ state: 'Missed' }, {}, {}] });
    expect(simulation.status.targets[0]?.message).toMatch(
      /^no operator was there .* not known whether it was injected/,
    );
  });

  test('without a target fails and says why', () => {
    const simulation = new Simulation(spec({ target: { names: ['nobody'] } }));
    simulation.run();
    expect(simulation.phases).toEqual(['Pending', 'Failed']);
    expect(simulation.status.outcome?.message).toContain('not among the names');
  });

  test('whose steady state is not there to begin with injects nothing', () => {
    const probe = { type: 'http', url: 'http://127.0.0.1:1/' };
    const simulation = new Simulation(spec({ steadyState: { before: [probe] } }));
    simulation.observation = { before: { outcome: 'fail', message: 'status 500', tookMs: 1 } };
    simulation.run();
    expect(simulation.phases).toEqual(['Pending', 'SteadyStateChecking', 'Failed']);
    expect(simulation.injections).toEqual([]);
    expect(simulation.status.outcome?.message).toBe('the steady state was not there to begin with: status 500');
    expect(conditions(simulation)).toContain('SteadyState=False');
  });

  test.each([
    ['before', 'it is not known whether the steady state was there to begin with: no series', []],
    ['after', 'it is not known whether the steady state came back: no series', ['uid-a', 'uid-b', 'uid-c']],
  ] as const)('whose steady state cannot be measured %s the faults fails, and says no more', (side, said, injected) => {
    const probe = { type: 'http', url: 'http://127.0.0.1:1/' };
    const simulation = new Simulation(spec({ steadyState: { [side]: [probe], recoveryTimeout: '0s' } }));
    simulation.observation = { [side]: { outcome: 'error', message: 'no series', tookMs: 1 } };
    simulation.run();
    expect([simulation.status.phase, simulation.status.outcome?.message]).toEqual(['Failed', said]);
    expect([conditions(simulation).includes('SteadyState=Unknown'), simulation.injections]).toEqual([true, injected]);
  });

  test('whose steady state does not come back fails, after it has recovered', () => {
    const probe = { type: 'http', url: 'http://127.0.0.1:1/' };
    const simulation = new Simulation(spec({ steadyState: { after: [probe] } }));
    simulation.run(500, () => simulation.status.phase === 'Recovering');
    simulation.observation = { after: { outcome: 'fail', message: 'status 500', tookMs: 1 } };
    const asked: string[] = [];
    for (let steps = 0; steps < 300 && !isFinal(simulation.status); steps++) {
      const decision = simulation.step();
      asked.push(decision.kind);
      if (decision.kind === 'probe')
        simulation.observation = { after: { outcome: 'fail', message: 'status 500', tookMs: 1 } };
    }
    expect(asked.filter((kind) => kind === 'probe').length).toBeGreaterThan(10);
    expect(simulation.status.phase).toBe('Failed');
    expect(conditions(simulation)).toContain('Recovered=True');
  });

  test('with a target that cannot be injected goes on with the others', () => {
    const simulation = new Simulation(spec());
    simulation.injects = (uid) => uid !== 'uid-b';
    simulation.run();
    expect(simulation.status.phase).toBe('Completed');
    expect(conditions(simulation)).toContain('Injected=False');
  });

  test('or recovers at once when that is asked for', () => {
    const simulation = new Simulation(spec({ execution: { onMissed: 'Recover' } }));
    simulation.injects = (uid) => uid !== 'uid-b';
    simulation.run();
    expect(simulation.phases).toEqual(['Pending', 'SteadyStateChecking', 'Running', 'Recovering', 'Failed']);
    expect(simulation.status.targets.map(({ state }) => state)).toEqual(['Recovered', 'Missed', 'Recovered']);
  });

  test('whose execution ends by itself early has failed', () => {
    const simulation = new Simulation(spec());
    simulation.run(500, () => simulation.status.effectiveAt !== undefined);
    simulation.executions.set('x-uid-a', { live: false, endReason: 'target-gone' });
    simulation.run();
    expect(simulation.status.phase).toBe('Failed');
    expect(simulation.status.targets[0]?.endedEarly).toBe('target-gone');
    expect(simulation.status.outcome?.message).toBe('1 of 3 targets went away before the end (default/a: target-gone)');
  });

  test.each([
    ['Fail', 'Failed', /^1 of 3 targets went away before the end .default.a: target gone: its pod was deleted.$/],
    [
      'Continue',
      'Completed',
      /^no hypothesis was tested; the effect was verified on 2 of 3 targets; 1 of 3 targets went away before the end /,
    ],
  ])('a target of which goes away ends as the author has chosen: %s', (onTargetGone, phase, message) => {
    const simulation = new Simulation(spec({ execution: { onTargetGone } }));
    simulation.run(500, () => simulation.status.effectiveAt !== undefined);
    simulation.executions.set('x-uid-a', { live: false, endReason: 'target gone: its pod was deleted' });
    simulation.run();
    expect(simulation.status.phase).toBe(phase);
    expect(simulation.status.outcome?.message).toMatch(message);
  });

  test('has failed when something else ends early, regardless of onTargetGone', () => {
    const simulation = new Simulation(spec({ execution: { onTargetGone: 'Continue' } }));
    simulation.run(500, () => simulation.status.effectiveAt !== undefined);
    simulation.executions.set('x-uid-a', { live: false, endReason: 'lease lapsed' });
    simulation.run();
    expect(simulation.status.phase).toBe('Failed');
  });

  test('that no operator watched until its executions had expired has been completed, not cut short', () => {
    const simulation = new Simulation(spec());
    simulation.run(500, () => simulation.status.effectiveAt !== undefined);
    const [deadline = 0] = simulation.extended;
    simulation.now += deadline;
    for (const id of simulation.executions.keys()) simulation.executions.set(id, { live: false, endReason: 'expired' });
    simulation.run();
    expect(simulation.status.phase).toBe('Completed');
    expect(simulation.status.targets.map(({ endedEarly }) => endedEarly)).toEqual([undefined, undefined, undefined]);
  });

  test('whose executions expire before its time is over has failed', () => {
    const simulation = new Simulation(spec());
    simulation.run(500, () => simulation.status.effectiveAt !== undefined);
    for (const id of simulation.executions.keys()) simulation.executions.set(id, { live: false, endReason: 'expired' });
    simulation.run();
    expect(simulation.status.phase).toBe('Failed');
    expect(simulation.status.targets[0]?.endedEarly).toBe('expired');
  });

  test('that is slow to come up keeps its first targets until the last are there, and then all for the duration', () => {
    const simulation = new Simulation(spec({ injectionTimeout: '60s', execution: { parallelism: 1 } }));
    const asked: { readonly at: number; readonly until: number }[] = [];
    simulation.injects = () => {
      simulation.now += 20_000;
      return true;
    };
    while (simulation.status.effectiveAt === undefined) {
      const at = simulation.now;
      const decision = simulation.step();
      if (decision.kind === 'inject') asked.push({ at, until: at + decision.ttlMs });
    }
    expect(asked).toHaveLength(3);
    for (const { until } of asked) expect(until).toBeGreaterThan(simulation.status.effectiveAt + 10_000);
    expect(simulation.extended).toEqual([15_000]);
  });

  test('that was left to the TTL ends without recovering anything', () => {
    const simulation = new Simulation(spec({ rollback: { enabled: false } }));
    simulation.run();
    expect(simulation.status.phase).toBe('Completed');
    expect([...simulation.executions.values()].every(({ live }) => live)).toBe(true);
    expect(conditions(simulation)).toContain('Recovered=Unknown');
  });

  test('whose recovery takes long says so, and goes on', () => {
    const simulation = new Simulation(spec());
    let attempts = 0;
    simulation.recovers = () => ++attempts > 300;
    simulation.run(2000, () => attempts > 290);
    expect(conditions(simulation)).toContain('Stuck=True');
    simulation.run(2000);
    expect(simulation.status.phase).toBe('Completed');
    expect(conditions(simulation)).not.toContain('Stuck=True');
  });

  test('that is aborted at any step recovers everything, injects no target twice, and ends', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 60 }),
        fc.boolean(),
        fc.array(fc.boolean(), { maxLength: 20 }),
        (step, missing, luck) => {
          const simulation = new Simulation(spec());
          simulation.injects = (uid) => !missing || uid !== 'uid-a';
          simulation.recovers = () => luck.pop() ?? true;
          for (let steps = 0; steps < step && !isFinal(simulation.status); steps++) simulation.step();
          const wasFinal = isFinal(simulation.status);
          simulation.observation = { abort: 'a user asked for it' };
          simulation.run();
          expect(wasFinal || simulation.status.phase === 'Aborted').toBe(true);
          expect(new Set(simulation.injections).size).toBe(simulation.injections.length);
          expect([...simulation.executions.values()].filter(({ live }) => live)).toEqual([]);
        },
      ),
    );
  });
});
