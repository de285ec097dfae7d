/** Each turn that the life of an experiment can take, and that it always ends with nothing left. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decide } from './decide.ts';
import type { Asking, Decision, Observation, ObservedExecution } from './observation.ts';
import {
  parseExperiment,
  type ExperimentSpec,
  initialStatus,
  isFinal,
  withTargets,
  type ExperimentStatus,
  type Phase,
  type TargetStatus,
} from '@chaosplane/api';
import type { Candidate } from './select.ts';

const spec = (change: object = {}): ExperimentSpec =>
  parseExperiment(
    {
      apiVersion: 'chaos.chaosplane.io/v1alpha1',
      kind: 'ChaosExperiment',
      metadata: { name: 'slow' },
      spec: {
        target: { names: ['a', 'b', 'c'], mode: 'all' },
        action: { type: 'network-delay', parameters: { latency: '100ms' } },
        duration: '10s',
        ...change,
      },
    },
    'cluster',
  ).spec;

const pods: Candidate[] = ['a', 'b', 'c'].map((name) => ({
  namespace: 'default',
  name,
  uid: `uid-${name}`,
  labels: {},
  running: true,
  hostNetwork: false,
}));

/** A little world: daemons that obey or not, a clock that jumps to whatever is waited for. */
class World {
  now = 0;
  status: ExperimentStatus = initialStatus;
  readonly executions = new Map<string, ObservedExecution>();
  readonly phases: Phase[] = ['Pending'];
  readonly injections: string[] = [];
  readonly extended: number[] = [];
  observation: Partial<Observation> = {};
  /** Whether a target can be injected. */
  injects: (uid: string) => boolean = () => true;
  /** Whether a cancel ends the execution. */
  recovers: () => boolean = () => true;

  readonly spec: ExperimentSpec;

  constructor(wanted: ExperimentSpec) {
    this.spec = wanted;
  }

  step(): Decision {
    const decision = decide(
      {
        spec: this.spec,
        status: this.status,
        candidates: pods,
        seed: 1,
        executions: this.executions,
        ...this.observation,
      },
      this.now,
    );
    this.#act(decision);
    return decision;
  }

  run(limit = 500, until: () => boolean = () => isFinal(this.status)): void {
    for (let steps = 0; !until(); steps++) {
      if (steps > limit) throw new Error(`it did not end; it is in ${this.status.phase}`);
      this.step();
    }
  }

  #act(decision: Decision): void {
    switch (decision.kind) {
      case 'advance':
        this.#set(decision.status);
        break;
      case 'inject':
        for (const target of decision.targets) this.#inject(target);
        break;
      case 'extend':
        this.extended.push(decision.ttlMs);
        this.#set(decision.status);
        break;
      case 'cancel':
        this.now += 1000;
        for (const id of decision.executionIds)
          if (this.recovers()) this.executions.set(id, { live: false, endReason: 'cancelled' });
        break;
      case 'wait':
        this.now = Math.max(this.now + 1, decision.until);
        break;
      case 'probe':
        this.now += 1000;
        this.observation = { ...this.observation, [decision.side]: { passed: true, message: 'ok' } };
        break;
      case 'preview':
      case 'done':
        break;
    }
  }

  #set(status: ExperimentStatus): void {
    if (status.phase !== this.status.phase) this.phases.push(status.phase);
    this.status = status;
  }

  #inject({ uid }: TargetStatus): void {
    this.now += 100;
    if (!this.injects(uid)) {
      this.status = withTargets(this.status, new Map([[uid, { state: 'Missed', message: 'refused' }]]));
      return;
    }
    this.injections.push(uid);
    const executionId = `x-${uid}`;
    this.executions.set(executionId, {
      live: true,
      evidence: { verdict: 'Verified', engine: 'nft', summary: '', counters: {}, notes: [] },
    });
    this.status = withTargets(this.status, new Map([[uid, { state: 'Injected', executionId, injectedAt: this.now }]]));
  }
}

const conditions = (world: World): string[] => world.status.conditions.map(({ type, status }) => `${type}=${status}`);

describe('an experiment', () => {
  test('goes through its phases in order and ends with everything recovered', () => {
    const world = new World(spec());
    world.run();
    expect(world.phases).toEqual([
      'Pending',
      'SteadyStateChecking',
      'Running',
      'Completing',
      'Recovering',
      'Completed',
    ]);
    expect(world.injections).toEqual(['uid-a', 'uid-b', 'uid-c']);
    expect(conditions(world)).toEqual(['Selected=True', 'Injected=True', 'EffectObserved=True', 'Recovered=True']);
  });

  test('counts its duration from the moment the last target is injected, and extends the first ones', () => {
    const world = new World(spec());
    world.run(500, () => world.status.phase === 'Completing');
    expect(world.now - (world.status.effectiveAt ?? 0)).toBe(10_000);
    expect(world.extended).toEqual([15_000]);
  });

  test('goes on to others before it asks once more for a target that could not be injected yet', () => {
    const world = new World(spec({ execution: { parallelism: 1 } }));
    world.run(500, () => world.status.phase === 'Running');
    world.observation = { tried: new Map([['uid-a', 1]]) };
    const decision = world.step();
    expect(decision).toMatchObject({ kind: 'inject', targets: [{ uid: 'uid-b' }] });
  });

  describe('with injections that are under way', () => {
    const asking = (change: Partial<Asking>): Asking => ({ held: new Set(), underWay: 0, why: new Map(), ...change });
    const running = (parallelism: number): World => {
      const world = new World(spec({ execution: { parallelism } }));
      world.run(500, () => world.status.phase === 'Running');
      return world;
    };

    test('asks for no more at a time than is allowed, and for none twice', () => {
      const world = running(2);
      world.observation = { asking: asking({ held: new Set(['uid-a']), underWay: 1 }) };
      expect(world.step()).toMatchObject({ kind: 'inject', targets: [{ uid: 'uid-b' }] });
      world.observation = { asking: asking({ held: new Set(['uid-a', 'uid-c']), underWay: 2 }) };
      expect(world.step()).toMatchObject({ kind: 'wait' });
    });

    test('asks for the others while those of a silent node are waited for, which are missed in the end, with the reason', () => {
      const world = running(1);
      const why = new Map([['uid-a', 'the daemon of n1 does not answer']]);
      world.observation = { asking: asking({ held: new Set(['uid-a']), why }) };
      world.run(500, () => world.status.effectiveAt !== undefined);
      expect(world.injections).toEqual(['uid-b', 'uid-c']);
      expect(world.status.targets[0]).toMatchObject({
        state: 'Missed',
        message: 'not injected within 1m: the daemon of n1 does not answer',
      });
    });

    test('takes one of each node after the other', () => {
      const world = running(10);
      const [a, b, c] = world.status.targets;
      const on = (node: string, target: TargetStatus | undefined) => ({ ...target, node }) as TargetStatus;
      world.status = { ...world.status, targets: [on('n1', a), on('n1', b), on('n2', c)] };
      expect(world.step()).toMatchObject({ targets: [{ uid: 'uid-a' }, { uid: 'uid-c' }, { uid: 'uid-b' }] });
    });
  });

  test('without a target fails and says why', () => {
    const world = new World(spec({ target: { names: ['nobody'] } }));
    world.run();
    expect(world.phases).toEqual(['Pending', 'Failed']);
    expect(world.status.outcome?.message).toContain('not among the names');
  });

  test('whose steady state is not there to begin with injects nothing', () => {
    const probe = { type: 'http', url: 'http://127.0.0.1:1/' };
    const world = new World(spec({ steadyState: { before: [probe] } }));
    world.observation = { before: { passed: false, message: 'status 500' } };
    world.run();
    expect(world.phases).toEqual(['Pending', 'SteadyStateChecking', 'Failed']);
    expect(world.injections).toEqual([]);
  });

  test('whose steady state does not come back fails, after it has recovered', () => {
    const probe = { type: 'http', url: 'http://127.0.0.1:1/' };
    const world = new World(spec({ steadyState: { after: [probe] } }));
    world.run(500, () => world.status.phase === 'Recovering');
    world.observation = { after: { passed: false, message: 'status 500' } };
    const asked: string[] = [];
    for (let steps = 0; steps < 300 && !isFinal(world.status); steps++) {
      const decision = world.step();
      asked.push(decision.kind);
      if (decision.kind === 'probe') world.observation = { after: { passed: false, message: 'status 500' } };
    }
    expect(asked.filter((kind) => kind === 'probe').length).toBeGreaterThan(10);
    expect(world.status.phase).toBe('Failed');
    expect(conditions(world)).toContain('Recovered=True');
  });

  test('with a target that cannot be injected goes on with the others', () => {
    const world = new World(spec());
    world.injects = (uid) => uid !== 'uid-b';
    world.run();
    expect(world.status.phase).toBe('Completed');
    expect(conditions(world)).toContain('Injected=False');
  });

  test('or recovers at once when that is asked for', () => {
    const world = new World(spec({ execution: { onMissed: 'Recover' } }));
    world.injects = (uid) => uid !== 'uid-b';
    world.run();
    expect(world.phases).toEqual(['Pending', 'SteadyStateChecking', 'Running', 'Recovering', 'Failed']);
    expect(world.status.targets.map(({ state }) => state)).toEqual(['Recovered', 'Missed', 'Recovered']);
  });

  test('whose execution ends by itself early has failed', () => {
    const world = new World(spec());
    world.run(500, () => world.status.effectiveAt !== undefined);
    world.executions.set('x-uid-a', { live: false, endReason: 'target-gone' });
    world.run();
    expect(world.status.phase).toBe('Failed');
    expect(world.status.targets[0]?.endedEarly).toBe('target-gone');
    expect(world.status.outcome?.message).toBe('1 of 3 targets went away before the end (default/a: target-gone)');
  });

  test.each([
    ['Fail', 'Failed', /^1 of 3 targets went away before the end .default.a: target gone: its pod was deleted.$/],
    ['Continue', 'Completed', /^the hypothesis held; 1 of 3 targets went away before the end /],
  ])('a target of which goes away ends as the author has chosen: %s', (onTargetGone, phase, message) => {
    const world = new World(spec({ execution: { onTargetGone } }));
    world.run(500, () => world.status.effectiveAt !== undefined);
    world.executions.set('x-uid-a', { live: false, endReason: 'target gone: its pod was deleted' });
    world.run();
    expect(world.status.phase).toBe(phase);
    expect(world.status.outcome?.message).toMatch(message);
  });

  test('has failed when something else ends early, whatever is chosen for targets that go away', () => {
    const world = new World(spec({ execution: { onTargetGone: 'Continue' } }));
    world.run(500, () => world.status.effectiveAt !== undefined);
    world.executions.set('x-uid-a', { live: false, endReason: 'lease lapsed' });
    world.run();
    expect(world.status.phase).toBe('Failed');
  });

  test('that nobody watched until its executions had expired has been completed, not cut short', () => {
    const world = new World(spec());
    world.run(500, () => world.status.effectiveAt !== undefined);
    const [deadline = 0] = world.extended;
    world.now += deadline;
    for (const id of world.executions.keys()) world.executions.set(id, { live: false, endReason: 'expired' });
    world.run();
    expect(world.status.phase).toBe('Completed');
    expect(world.status.targets.map(({ endedEarly }) => endedEarly)).toEqual([undefined, undefined, undefined]);
  });

  test('whose executions expire before its time is over has failed', () => {
    const world = new World(spec());
    world.run(500, () => world.status.effectiveAt !== undefined);
    for (const id of world.executions.keys()) world.executions.set(id, { live: false, endReason: 'expired' });
    world.run();
    expect(world.status.phase).toBe('Failed');
    expect(world.status.targets[0]?.endedEarly).toBe('expired');
  });

  test('that is slow to come up keeps its first targets until the last are there, and then all for the duration', () => {
    const world = new World(spec({ injectionTimeout: '60s', execution: { parallelism: 1 } }));
    const asked: { readonly at: number; readonly until: number }[] = [];
    world.injects = () => {
      world.now += 20_000;
      return true;
    };
    while (world.status.effectiveAt === undefined) {
      const at = world.now;
      const decision = world.step();
      if (decision.kind === 'inject') asked.push({ at, until: at + decision.ttlMs });
    }
    expect(asked).toHaveLength(3);
    for (const { until } of asked) expect(until).toBeGreaterThan(world.status.effectiveAt + 10_000);
    expect(world.extended).toEqual([15_000]);
  });

  test('that was left to the TTL ends without recovering anything', () => {
    const world = new World(spec({ rollback: { enabled: false } }));
    world.run();
    expect(world.status.phase).toBe('Completed');
    expect([...world.executions.values()].every(({ live }) => live)).toBe(true);
    expect(conditions(world)).toContain('Recovered=Unknown');
  });

  test('whose recovery takes long says so, and goes on', () => {
    const world = new World(spec());
    let attempts = 0;
    world.recovers = () => ++attempts > 300;
    world.run(2000, () => attempts > 290);
    expect(conditions(world)).toContain('Stuck=True');
    world.run(2000);
    expect(world.status.phase).toBe('Completed');
    expect(conditions(world)).not.toContain('Stuck=True');
  });

  test('that is aborted at any step recovers everything, injects nobody twice, and ends', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 60 }),
        fc.boolean(),
        fc.array(fc.boolean(), { maxLength: 20 }),
        (step, missing, luck) => {
          const world = new World(spec());
          world.injects = (uid) => !missing || uid !== 'uid-a';
          world.recovers = () => luck.pop() ?? true;
          for (let steps = 0; steps < step && !isFinal(world.status); steps++) world.step();
          const wasFinal = isFinal(world.status);
          world.observation = { abort: 'somebody asked for it' };
          world.run();
          expect(wasFinal || world.status.phase === 'Aborted').toBe(true);
          expect(new Set(world.injections).size).toBe(world.injections.length);
          expect([...world.executions.values()].filter(({ live }) => live)).toEqual([]);
        },
      ),
    );
  });
});
