/** What policies have against a workflow: against each experiment, and against the sum of those that may be in force together. */
import { describe, expect, test } from '@jest/globals';
import { parseWorkflow } from '@chaosplane/api';
import { clusterOf, pods, policyOf, type Change } from '../../test/policies.ts';
import type { WorkflowOutlook } from './beside.ts';
import { foreseeWorkflow } from './foresee.ts';
import { graphOf, type Graph } from './graph.ts';

const API = { apiVersion: 'chaos.chaosplane.io/v1alpha1', kind: 'ChaosWorkflow', metadata: { name: 'flow' } };

const delay = { type: 'network-delay', parameters: { latency: '100ms' } };
const hit = (target: object, change: object = {}): object => ({
  ...{ action: delay, duration: '1m', ...change },
  target: { namespace: 'shop', ...target },
});
const web = { labelSelector: { matchLabels: { app: 'web' } } };
const [first, second] = [hit({ names: ['web-1'] }), hit({ names: ['web-2'] })];

interface Given {
  readonly templates: Readonly<Record<string, object>>;
  readonly steps: readonly object[];
  readonly onExit?: readonly object[];
  readonly maxParallelism?: number;
}

/** Bit by bit, to the end. */
function foreseen(graph: Graph, maxParallelism: number, outlook: WorkflowOutlook) {
  const bits = foreseeWorkflow(graph, maxParallelism, outlook, 0);
  for (;;) {
    const bit = bits.next();
    if (bit.done === true) return bit.value;
  }
}

/** What is found: `rule: message`. */
function found({ templates, steps, onExit = [], maxParallelism = 5 }: Given, policy: object, cluster: Change = {}) {
  const named = Object.entries(templates).map(([name, experiment]) =>
    'steps' in experiment ? { name, workflow: experiment } : { name, experiment },
  );
  const { spec } = parseWorkflow({ ...API, spec: { templates: named, steps, onExit } }, 'cluster');
  const candidates = pods.map((pod) => ({ ...pod, running: true, hostNetwork: false }));
  const outlook = {
    policy: { policies: [policyOf(policy)], cluster: clusterOf(cluster) },
    candidatesOf: () => candidates,
  };
  const findings = foreseen(graphOf(spec.steps, spec.onExit), maxParallelism, outlook);
  return findings?.map(({ rule, message, enforcement }) =>
    `${rule}: ${message}`.concat(enforcement === 'Audit' ? ' (Audit)' : ''),
  );
}

const floor = { targetLimits: { minAvailable: 2 } };
const step = (name: string, dependencies: readonly string[] = [], template = name): object => ({
  ...{ name, template, dependencies },
});
const sum = (a: string, b: string): string =>
  `minAvailable: step ${a} beside step ${b}: 1 of 3 pods of Deployment shop/web would be available, fewer than 2: ` +
  '1 hit by this experiment, 1 by others';
const templates = { a: first, b: second };

describe('two experiments that each leave two of three pods', () => {
  test.each<[string, Given, readonly string[]]>([
    ['are too much side by side', { templates, steps: [step('a'), step('b')] }, [sum('a', 'b')]],
    ['are not one after the other', { templates, steps: [step('a'), step('b', ['a'])] }, []],
    [
      'are not with another one between them',
      {
        templates: { ...templates, c: hit({ names: ['db-0'] }) },
        steps: [step('a'), step('c', ['a'], 'a'), step('b', ['c'])],
      },
      [],
    ],
    [
      'are not where one experiment is under way at a time',
      { templates, steps: [step('a'), step('b')], maxParallelism: 1 },
      [],
    ],
    ['are not where one is done at the exit', { templates, steps: [step('a')], onExit: [step('b')] }, []],
    [
      'are too much where both are done at the exit',
      { templates, steps: [step('a')], onExit: [step('x', [], 'a'), step('y', [], 'b')] },
      [sum('onExit/x', 'onExit/y')],
    ],
    [
      'are too much where one is deep in a step beside it',
      {
        templates: { ...templates, deep: { steps: [step('a'), step('inner', ['a'], 'a')] } },
        steps: [step('deep'), step('b')],
      },
      [sum('deep/a', 'b')],
    ],
    [
      'are not where what one is a part of waits for the other',
      { templates: { ...templates, deep: { steps: [step('b')] } }, steps: [step('a'), step('deep', ['a'])] },
      [],
    ],
    [
      'are not where one waits for what the other is a part of',
      { templates: { ...templates, deep: { steps: [step('a')] } }, steps: [step('deep'), step('b', ['deep'])] },
      [],
    ],
    [
      'are not where one only tells what it would do',
      { templates: { a: first, b: { ...second, execution: { dryRun: true } } }, steps: [step('a'), step('b')] },
      [],
    ],
    ['are not where both hit the same pod', { templates: { a: first }, steps: [step('a'), step('b', [], 'a')] }, []],
  ])('%s', (_what, workflow, expected) => {
    expect(found(workflow, floor)?.slice(0, 1)).toEqual(expected);
  });
});

test('draws are independent: that they might hit the same pod by luck is no reason to allow them', () => {
  const one = { one: hit({ ...web, mode: 'one' }) };
  const steps = [step('a', [], 'one'), step('b', [], 'one')];
  expect(found({ templates: one, steps }, floor)).toEqual([sum('a', 'b')]);
  const seeded = { one: hit({ ...web, mode: 'one', seed: 7 }) };
  expect(found({ templates: seeded, steps }, floor)).toEqual([]);
});

test('the steps are named that are needed for it, and no others', () => {
  const all = { ...templates, db: hit({ names: ['db-0'] }), tool: hit({ names: ['tool'] }) };
  const steps = ['db', 'a', 'tool', 'b'].map((name) => step(name));
  expect(found({ templates: all, steps }, floor)?.filter((line) => line.includes('web'))).toEqual([sum('a', 'b')]);
  const most = { targetLimits: { maxTargets: 3 } };
  expect(found({ templates: all, steps }, most)).toEqual([
    'maxTargets: step db beside steps a, tool and b: 4 targets at the same time would be more than 3: ' +
      '1 of this experiment, 3 of step a and 2 others',
  ]);
});

test('what others hit counts as well', () => {
  const most = { targetLimits: { maxTargets: 2 } };
  const others = [{ name: 'shop/other', covered: () => 1 }];
  expect(found({ templates, steps: [step('a'), step('b')] }, most, { others })).toEqual([
    'maxTargets: step a beside step b: 3 targets at the same time would be more than 2: ' +
      '1 of this experiment, 2 of shop/other and 1 other',
  ]);
});

describe('each alone', () => {
  test('with its name; what asks for the same is told once, and not again of the sum', () => {
    const steps = [step('a'), step('b', [], 'a')];
    const long = { actionLimits: { maxDuration: '10s' }, targetLimits: { maxTargets: 0 } };
    expect(found({ templates, steps }, long)).toEqual([
      'maxDuration: each of steps a and b: a duration of 1m is longer than 10s',
      'maxTargets: each of steps a and b: 1 target at the same time would be more than 0: 1 of this experiment',
    ]);
    expect(
      found({ templates: { all: hit({ ...web, mode: 'all' }), a: first }, steps: [step('all'), step('a')] }, floor),
    ).toEqual([expect.stringMatching(/^minAvailable: step all: 0 of 3 pods/)]);
  });

  test('and a dry run is a warning', () => {
    const dry = { a: { ...first, execution: { dryRun: true } } };
    expect(found({ templates: dry, steps: [step('a')] }, { halt: true })).toEqual([
      'halt: step a, if it were no dry run: halt is true, and 1 target of the experiment would be hit; nothing begins until it is false (Audit)',
    ]);
  });

  test('and when a later one begins is not known', () => {
    const blocked = { timeWindows: { blocked: [{ from: '00:00' }] } };
    const steps = [step('a'), step('b', ['a'])];
    expect(found({ templates, steps }, blocked)).toEqual([expect.stringMatching(/^timeWindows: step a: now/)]);
  });
});

test('a policy that audits is told as such; without policies that are known nothing is', () => {
  const audit = { ...floor, enforcement: 'Audit' };
  expect(found({ templates, steps: [step('a'), step('b')] }, audit)).toEqual([`${sum('a', 'b')} (Audit)`]);
  const outlook = { policy: { policies: undefined, cluster: clusterOf() }, candidatesOf: () => [] };
  expect(foreseen(graphOf([]), 5, outlook)).toBeUndefined();
});

test('three hundred experiments side by side are judged in a moment', () => {
  const steps = Array.from({ length: 300 }, (_, index) => step(`s${index}`, [], 'one'));
  const one = { one: hit({ ...web, mode: 'one' }) };
  const before = performance.now();
  expect(found({ templates: one, steps, maxParallelism: 50 }, { targetLimits: { maxTargets: 60 } })).toEqual([]);
  expect(found({ templates: one, steps, maxParallelism: 50 }, floor)?.length).toBeGreaterThan(0);
  expect(performance.now() - before).toBeLessThan(10_000);
});
