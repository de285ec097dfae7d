/** What an experiment says of its hypothesis: each steady state with each effect. */
import { describe, expect, test } from '@jest/globals';
import { isFinal, type TargetEvidence } from '@chaosplane/api';
import { Simulation, specOf } from '../../test/simulation.ts';
import type { ProbeOutcome } from './observation.ts';

type Effect = TargetEvidence['verdict'];

const probe = { type: 'http', url: 'http://127.0.0.1:1/' };
const passed: ProbeOutcome = { outcome: 'pass', message: 'ok', tookMs: 1 };
const failed: ProbeOutcome = { outcome: 'fail', message: 'status 500', tookMs: 1 };

function ended(effect: Effect, steadyState: object, outcome: Simulation['outcome'] = () => passed): Simulation {
  const simulation = new Simulation(specOf({ steadyState }));
  simulation.effect = effect;
  simulation.outcome = outcome;
  simulation.run();
  return simulation;
}

function said({ status }: Simulation): unknown[] {
  const condition = status.conditions.find(({ type }) => type === 'HypothesisHeld');
  expect(status.outcome?.message).toBe(condition?.message);
  return [status.phase, status.verdict, condition?.status, condition?.reason, condition?.message];
}

const impossible: ProbeOutcome = { outcome: 'error', message: 'no series', tookMs: 1 };
const unmeasured = 'it is not known whether the steady state came back';
const lost = 'the steady state did not come back: status 500';
const verified = 'the effect was verified on 3 of 3 targets';
const nothing = 'the effect was verified on 0 of 3 targets: nothing in scope came by';
const unknown = 'the effect was verified on 0 of 3 targets: it was not measured';
const unseen = 'no effect was seen: verified on 0 of 3 targets';

const none = {};
const passing = { before: [probe], after: [probe] };
const only = { before: [probe] };

interface Told {
  readonly steadyState?: object;
  /** For how long the fault of each target was away, in milliseconds, of a minute. */
  readonly away?: readonly number[];
  /** How long each was there, also meanwhile. Default: a minute. */
  readonly inForceMs?: number;
  /** While the faults are in force. */
  readonly sample?: ProbeOutcome;
}

/** No daemon answers before the executions are cancelled; their ends tell what came of them. */
function toldAtTheEnd(
  effect: Effect,
  { steadyState = passing, away = [], sample = passed, inForceMs = 60_000 }: Told = {},
): Simulation {
  const simulation = new Simulation(specOf({ steadyState, duration: '1m' }));
  simulation.effect = 'Unknown';
  simulation.outcome = () => passed;
  simulation.samples = (_at, { phase }) => (phase === 'Running' ? sample : passed);
  simulation.run(500, () => simulation.status.phase === 'Recovering');
  for (const [index, id] of [...simulation.executions.keys()].entries()) {
    const ms = away[index] ?? 0;
    const counters = ms === 0 ? {} : { interrupted_ms: ms };
    const evidence = { verdict: effect, engine: 'proxy', summary: '', counters, notes: [] };
    simulation.executions.set(id, { live: false, endReason: 'cancelled', evidence, inForceMs: inForceMs - ms });
  }
  simulation.run();
  return simulation;
}

test.each<[Effect, string, unknown[]]>([
  ['Verified', 'True', ['Completed', 'Held', 'True', 'SteadyStateKept', `${verified}, and the steady state is back`]],
  ['NotObserved', 'False', ['Failed', 'NotHeld', 'False', 'EffectNotObserved', unseen]],
  ['NoTraffic', 'Unknown', ['Completed', 'Inconclusive', 'Unknown', 'NoTraffic', nothing]],
  ['Unknown', 'Unknown', ['Completed', 'Inconclusive', 'Unknown', 'EffectNotMeasured', unknown]],
])('an effect that is told only when its fault has ended counts: %s', (effect, observed, expected) => {
  const simulation = toldAtTheEnd(effect);
  expect(said(simulation)).toEqual(expected);
  const condition = simulation.status.conditions.find(({ type }) => type === 'EffectObserved');
  expect(condition?.status).toBe(observed);
});

describe('a fault that was away while no daemon ran', () => {
  const on = (targets: number, some: string): string =>
    `no daemon ran on ${targets} of 3 targets for a while, and the fault was away for up to ${some} of 3m`;
  const during = { during: [{ name: 'shop', ...probe }] };

  test.each([
    ['for a tenth of the time of all targets', [18_000], on(1, '18s'), 'SteadyStateKept'],
    ['for more than that', [0, 18_000, 200], on(2, '18.2s'), 'EffectInterrupted'],
    ['always', [60_000, 60_000, 60_000], on(3, '3m'), 'EffectInterrupted'],
  ])('%s', (_what, away, words, reason) => {
    for (const steadyState of [passing, during]) {
      const [phase, verdict, , why, message] = said(toldAtTheEnd('Verified', { steadyState, away }));
      const held = reason === 'SteadyStateKept';
      expect([phase, verdict, why]).toEqual(['Completed', held ? 'Held' : 'Inconclusive', reason]);
      expect(message).toContain(words);
      expect(String(message).includes('and the steady state')).toBe(held);
    }
  });

  test('for long, is why no effect was seen', () => {
    const message = `${unseen}; ${on(1, '30s')}`;
    expect(said(toldAtTheEnd('NotObserved', { away: [30_000] })).slice(1)).toEqual([
      ...['Inconclusive', 'Unknown', 'EffectInterrupted', message],
    ]);
    expect(said(toldAtTheEnd('NotObserved', { away: [3000] }))[3]).toBe('EffectNotObserved');
  });

  test('counts by the time that it was wanted for, however long its recovery took', () => {
    const slow = toldAtTheEnd('Verified', { away: [20_000, 20_000, 20_000], inForceMs: 600_000 });
    expect(said(slow)[3]).toBe('EffectInterrupted');
  });

  test('is no excuse for a steady state that was lost', () => {
    const lost = toldAtTheEnd('Verified', { steadyState: during, away: [30_000, 30_000, 30_000], sample: failed });
    const [, verdict, , reason, message] = said(lost);
    expect([verdict, reason]).toEqual(['NotHeld', 'ToleranceExceeded']);
    expect(message).toContain('no daemon ran on 3 of 3 targets');
  });
});

describe('an experiment says of its hypothesis', () => {
  test.each<[string, object, Effect, unknown[]]>([
    [
      'none',
      none,
      'Verified',
      ['Completed', 'Inconclusive', 'Unknown', 'NoHypothesis', `no hypothesis was tested; ${verified}`],
    ],
    ['none', none, 'NoTraffic', ['Completed', 'Inconclusive', 'Unknown', 'NoTraffic', nothing]],
    ['none', none, 'Unknown', ['Completed', 'Inconclusive', 'Unknown', 'EffectNotMeasured', unknown]],
    ['none', none, 'NotObserved', ['Failed', 'NotHeld', 'False', 'EffectNotObserved', unseen]],
    [
      'one of before alone',
      only,
      'Verified',
      ['Completed', 'Inconclusive', 'Unknown', 'NoHypothesis', `no hypothesis was tested; ${verified}`],
    ],
    [
      'one that passes',
      passing,
      'Verified',
      ['Completed', 'Held', 'True', 'SteadyStateKept', `${verified}, and the steady state is back`],
    ],
    ['one that passes', passing, 'NoTraffic', ['Completed', 'Inconclusive', 'Unknown', 'NoTraffic', nothing]],
    ['one that passes', passing, 'NotObserved', ['Failed', 'NotHeld', 'False', 'EffectNotObserved', unseen]],
  ])('%s, %j, with the effect %s', (_name, steadyState, effect, expected) => {
    expect(said(ended(effect, steadyState))).toEqual(expected);
  });

  test.each<[Effect, unknown[]]>([
    ['Verified', ['Failed', 'NotHeld', 'False', 'SteadyStateLost', lost]],
    ['NoTraffic', ['Failed', 'Inconclusive', 'Unknown', 'NoTraffic', `${nothing}; ${lost}`]],
    ['NotObserved', ['Failed', 'NotHeld', 'False', 'EffectNotObserved', unseen]],
  ])('one that fails afterwards, with the effect %s', (effect, expected) => {
    const simulation = ended(effect, passing, (side) => (side === 'before' ? passed : failed));
    expect(said(simulation)).toEqual(expected);
  });

  test.each<[Effect, unknown[]]>([
    ['Verified', ['Failed', 'Inconclusive', 'Unknown', 'NoValidSample', `${unmeasured}: no series`]],
    ['NoTraffic', ['Failed', 'Inconclusive', 'Unknown', 'NoTraffic', `${nothing}; ${unmeasured}: no series`]],
    ['NotObserved', ['Failed', 'NotHeld', 'False', 'EffectNotObserved', unseen]],
  ])('one that cannot be measured afterwards, with the effect %s', (effect, expected) => {
    const simulation = ended(effect, passing, (side) => (side === 'before' ? passed : impossible));
    expect(said(simulation)).toEqual(expected);
  });

  test('nothing when it could not be measured to begin with', () => {
    const message = 'it is not known whether the steady state was there to begin with: no series';
    expect(said(ended('Verified', passing, () => impossible))).toEqual([
      ...['Failed', 'Inconclusive', 'Unknown', 'NotRun', message],
    ]);
  });

  test('nothing when it was not there to begin with', () => {
    const simulation = ended('Verified', passing, () => failed);
    const message = 'the steady state was not there to begin with: status 500';
    expect(said(simulation)).toEqual(['Failed', 'Inconclusive', 'Unknown', 'NotRun', message]);
  });

  test('nothing when no target could be hit', () => {
    const simulation = new Simulation(specOf());
    simulation.injects = () => false;
    simulation.run();
    expect(said(simulation)).toEqual([
      ...['Failed', 'Inconclusive', 'Unknown', 'NotRun'],
      '3 targets could not be injected: refused',
    ]);
  });

  test('nothing when it was aborted, and none before it has ended', () => {
    const simulation = new Simulation(specOf({ steadyState: passing }));
    simulation.run(500, () => simulation.status.effectiveAt !== undefined);
    simulation.observation = { ...simulation.observation, abort: 'a user asked for it' };
    simulation.run(500, () => simulation.status.phase === 'Recovering');
    expect(simulation.status).not.toHaveProperty('verdict');
    simulation.run(500, () => isFinal(simulation.status));
    expect(said(simulation)).toEqual(['Aborted', 'Inconclusive', 'Unknown', 'Aborted', 'a user asked for it']);
  });

  test('first that no effect was seen, when faults ended before it as well', () => {
    const simulation = new Simulation(specOf({ steadyState: passing }));
    simulation.effect = 'NotObserved';
    simulation.run(500, () => simulation.status.effectiveAt !== undefined);
    const [[id, execution] = []] = simulation.executions;
    simulation.executions.set(id!, { ...execution!, live: false, endReason: 'lease lapsed' });
    simulation.run();
    const message = `${unseen}; 1 execution ended before the experiment did`;
    expect(said(simulation)).toEqual(['Failed', 'NotHeld', 'False', 'EffectNotObserved', message]);
  });

  test('nothing when a fault ended before it', () => {
    const simulation = new Simulation(specOf({ steadyState: passing }));
    simulation.run(500, () => simulation.status.effectiveAt !== undefined);
    simulation.executions.set('x-uid-a', { live: false, endReason: 'lease lapsed' });
    simulation.run();
    const message = '1 execution ended before the experiment did';
    expect(said(simulation)).toEqual(['Failed', 'Inconclusive', 'Unknown', 'EndedEarly', message]);
  });
});
