/** Experiments whose steady state is sampled through the faults and the recovery, and those that end themselves. */
import { describe, expect, test } from '@jest/globals';
import { isFinal, type ExperimentStatus } from '@chaosplane/api';
import { Simulation, specOf } from '../../test/simulation.ts';
import type { ProbeOutcome } from './observation.ts';

const passed: ProbeOutcome = { outcome: 'pass', message: 'status 200', tookMs: 10 };
const failed: ProbeOutcome = { outcome: 'fail', message: 'status 500', tookMs: 10 };
const impossible: ProbeOutcome = { outcome: 'error', message: 'no series', tookMs: 10 };

const sampled = (tolerance?: object): object => ({
  steadyState: { during: [{ type: 'http', url: 'http://web/', ...(tolerance === undefined ? {} : { tolerance }) }] },
});

type Samples = (at: number, status: ExperimentStatus) => ProbeOutcome;

/** An experiment of ten seconds whose probe is sampled each second. */
function ran(samples: Samples, spec: object = sampled()): Simulation {
  const simulation = new Simulation(specOf(spec));
  simulation.samples = samples;
  simulation.run();
  return simulation;
}

function said({ status }: Simulation): unknown[] {
  const condition = status.conditions.find(({ type }) => type === 'HypothesisHeld');
  expect(status.outcome?.message).toBe(condition?.message);
  return [status.phase, status.verdict, condition?.reason, condition?.message];
}

const inForce = ({ effectiveAt, recoveringAt }: ExperimentStatus): boolean =>
  effectiveAt !== undefined && recoveringAt === undefined;

describe('a steady state that is sampled', () => {
  test('and passes throughout has held', () => {
    const simulation = ran(() => passed);
    expect(said(simulation)).toEqual([
      ...['Completed', 'Held', 'SteadyStateKept'],
      'the effect was verified on 3 of 3 targets, and the steady state was kept: probe 1: 10 of 10 samples passed (100%)',
    ]);
    expect(simulation.status.samples?.[0]).toMatchObject({ last: { outcome: 'pass' }, longestOutageMs: 0 });
  });

  test('and fails only while the faults are in force has not held, though it ran to its end', () => {
    const simulation = ran((_at, status) => (inForce(status) ? failed : passed));
    expect(said(simulation)).toEqual([
      ...['Completed', 'NotHeld', 'ToleranceExceeded'],
      'the steady state was not kept: probe 1: 0 of 10 samples passed (0%), and 100% were to (status 500)',
    ]);
    expect(simulation.status.samples?.[0]?.timeToRecoverMs).toEqual(expect.any(Number));
  });

  test('is waited for until it is back, and no longer than the time for that', () => {
    let recovering = 0;
    const late = ran((at, { recoveringAt = Infinity, ...status }) => {
      if (at >= recoveringAt) recovering = at - recoveringAt;
      return at > recoveringAt + 30_000 || status.effectiveAt === undefined ? passed : failed;
    });
    expect(said(late).slice(0, 3)).toEqual(['Completed', 'NotHeld', 'ToleranceExceeded']);
    expect(recovering).toBeGreaterThan(30_000);
    const never = ran((_at, { effectiveAt }) => (effectiveAt === undefined ? passed : failed));
    expect(said(never)).toEqual([
      ...['Failed', 'NotHeld', 'SteadyStateLost', 'the steady state did not come back: probe 1: status 500'],
    ]);
    const { recoveringAt = 0, endedAt = 0 } = never.status;
    expect(endedAt - recoveringAt).toBeGreaterThanOrEqual(60_000);
    expect(endedAt - recoveringAt).toBeLessThan(62_000);
  });

  test('and cannot be measured is neither', () => {
    const simulation = ran((_at, status) => (inForce(status) ? impossible : passed));
    expect(said(simulation)).toEqual([
      ...['Completed', 'Inconclusive', 'NoValidSample'],
      'it is not known whether the steady state was kept: probe 1: of 10 samples 0 could be taken: no series',
    ]);
  });

  test.each<[what: string, sample: ProbeOutcome, message: string]>([
    ['fails', failed, 'the steady state was not there to begin with: probe 1: status 500'],
    [
      'cannot be measured',
      impossible,
      'it is not known whether the steady state was there to begin with: probe 1: no series',
    ],
  ])('and %s before the faults keeps them from being injected', (_what, sample, message) => {
    const simulation = ran(() => sample);
    expect(simulation.injections).toEqual([]);
    expect(said(simulation)).toEqual(['Failed', 'Inconclusive', 'NotRun', message]);
  });

  test('against a baseline has enough samples before anything is injected', () => {
    const long = { ...sampled({ against: 'baseline' }), duration: '110s' };
    const simulation = ran(() => passed, long);
    expect(simulation.status.samples?.[0]?.before.passed).toBeGreaterThanOrEqual(100);
    expect(said(simulation)[1]).toBe('Held');
    const slow = ran((_at, status) => ({ ...passed, tookMs: inForce(status) ? 15 : 10 }), long);
    expect(said(slow).slice(0, 3)).toEqual(['Completed', 'NotHeld', 'ToleranceExceeded']);
    const none = ran((at) => (at % 3000 === 0 ? passed : failed), long);
    expect(none.injections).toEqual([]);
    expect(said(none)[3]).toBe(
      'the steady state was not there to begin with: probe 1: 67 of 200 samples passed, and the baseline needs 100: status 500',
    );
  });

  test('is watched for the whole duration also where the action happens once', () => {
    const simulation = new Simulation(specOf(sampled()));
    simulation.samples = () => passed;
    simulation.run(500, () => simulation.status.effectiveAt !== undefined);
    for (const [id, execution] of simulation.executions)
      simulation.executions.set(id, { ...execution, live: false, endReason: 'done' });
    simulation.samples = (at, { effectiveAt = 0 }) =>
      at > effectiveAt + 4000 && at < effectiveAt + 8000 ? failed : passed;
    simulation.run();
    const { effectiveAt = 0, recoveringAt = 0 } = simulation.status;
    expect(recoveringAt - effectiveAt).toBeGreaterThanOrEqual(10_000);
    expect(said(simulation).slice(0, 3)).toEqual(['Completed', 'NotHeld', 'ToleranceExceeded']);
  });

  test('says nothing of a fault that was not seen, or that nothing came by', () => {
    for (const [effect, expected] of [
      ['NotObserved', ['Failed', 'NotHeld', 'EffectNotObserved']],
      ['NoTraffic', ['Completed', 'Inconclusive', 'NoTraffic']],
    ] as const) {
      const simulation = new Simulation(specOf(sampled()));
      simulation.effect = effect;
      simulation.samples = (_at, status) => (inForce(status) ? failed : passed);
      simulation.run();
      expect(said(simulation).slice(0, 3)).toEqual(expected);
    }
  });
});

describe('an experiment with an abort condition', () => {
  const guarded = { abortConditions: [{ type: 'http', url: 'http://web/' }] };

  test('injects nothing before it was asked', () => {
    const simulation = new Simulation(specOf(guarded));
    simulation.observation = { guarded: false };
    simulation.run(500, () => simulation.now > 5000);
    expect([simulation.status.phase, simulation.injections]).toEqual(['SteadyStateChecking', []]);
    simulation.observation = { ...simulation.observation, guarded: true };
    simulation.run();
    expect(simulation.status.phase).toBe('Completed');
  });

  test('recovers when it fires, in the decision that follows', () => {
    const simulation = new Simulation(specOf(guarded));
    simulation.observation = { guarded: true };
    simulation.run(500, () => simulation.status.effectiveAt !== undefined);
    simulation.observation = { ...simulation.observation, abort: 'the abort condition errors: status 500' };
    expect(simulation.step()).toMatchObject({ kind: 'advance', status: { phase: 'Recovering' } });
    expect(simulation.step()).toMatchObject({ kind: 'cancel' });
    simulation.run(500, () => isFinal(simulation.status));
    expect(said(simulation)).toEqual(['Aborted', 'Inconclusive', 'Aborted', 'the abort condition errors: status 500']);
  });
});
