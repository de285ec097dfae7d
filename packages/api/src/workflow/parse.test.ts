/** How documents become workflows: templates in the places of steps, parameters, and everything that is wrong in one answer. */
import { describe, expect, test } from '@jest/globals';
import { ChaosError } from '@chaosplane/common/pure';
import { parseWorkflow } from './parse.ts';
import type { WorkflowStep } from './step.ts';

const slow = {
  name: 'slow',
  parameters: [
    { name: 'latency', type: 'duration', default: '100ms' },
    { name: 'targets', type: 'integer', default: 1 },
  ],
  experiment: {
    target: { labelSelector: { matchLabels: { app: 'web' } }, mode: 'fixed', value: '${{ parameters.targets }}' },
    action: { type: 'network-delay', parameters: { latency: '${{ parameters.latency }}' } },
    duration: '1m',
  },
};
const wait = { name: 'wait', delay: '30s' };

const document = (spec: object): object => ({
  apiVersion: 'chaos.chaosplane.io/v1alpha1',
  kind: 'ChaosWorkflow',
  metadata: { name: 'flow', namespace: 'shop' },
  spec: { templates: [slow, wait], ...spec },
});

const stepsOf = (spec: object, given = {}): readonly WorkflowStep[] =>
  parseWorkflow(document(spec), 'cluster', given).spec.steps;

function problemsOf(spec: object): string[] {
  try {
    parseWorkflow(document(spec), 'cluster');
    return [];
  } catch (error) {
    if (!(error instanceof ChaosError)) throw error;
    return error.problems.map(({ path, wrong, allowed }) => `${path}: ${wrong}; allowed: ${allowed}`);
  }
}

describe('templates stand in the places of steps', () => {
  test('with the values of their parameters, whose types they keep', () => {
    const [step] = stepsOf({ steps: [{ name: 'a', template: 'slow', arguments: { latency: '2s', targets: '3' } }] });
    expect(step).toMatchObject({
      kind: 'experiment',
      experiment: { target: { value: 3 }, action: { parameters: { latency: '2s' } } },
      document: { target: { value: 3 } },
      onError: { strategy: 'abort' },
    });
  });

  test('with steps of their own, which are given what the template is given', () => {
    const both = {
      name: 'both',
      parameters: [{ name: 'slowness', type: 'duration' }],
      parallel: {
        steps: [
          { name: 'x', template: 'slow', arguments: { latency: '${{ parameters.slowness }}' } },
          { name: 'y', template: 'wait' },
        ],
      },
    };
    const errorHandling = { strategy: 'retry', limit: 2 };
    const [step] = stepsOf({
      templates: [slow, wait, both],
      parameters: [{ name: 'most', type: 'duration' }],
      arguments: { most: '3s' },
      steps: [{ name: 'a', template: 'both', arguments: { slowness: '${{ parameters.most }}' }, errorHandling }],
    });
    const retry = { strategy: 'retry', limit: 2, backOffMs: 10_000, factor: 2, mostMs: 300_000 };
    expect(step).toMatchObject({
      kind: 'parallel',
      steps: [
        { name: 'x', onError: retry, experiment: { action: { parameters: { latency: '3s' } } } },
        { name: 'y', onError: retry, kind: 'delay', ms: 30_000 },
      ],
    });
  });

  test('and what is given when it is run stands above the document', () => {
    const spec = {
      parameters: [{ name: 'latency', type: 'duration' }],
      arguments: { latency: '1s' },
      steps: [{ name: 'a', template: 'slow', arguments: { latency: '${{ parameters.latency }}' } }],
    };
    expect(stepsOf(spec, { latency: '9s' })[0]).toMatchObject({
      experiment: { action: { parameters: { latency: '9s' } } },
    });
  });
});

const a = { name: 'a', template: 'wait' };

describe('everything that is wrong is told at once', () => {
  test.each<[string, object, readonly string[]]>([
    [
      'names',
      { steps: [a, a, { name: 'b', template: 'wiat', dependencies: ['A', 'b', 'nothing'] }] },
      [
        'spec.steps.1.name: there is a step a already; allowed: another name',
        'spec.steps.2.dependencies.0: there is no step A beside it; did you mean a?; allowed: a',
        'spec.steps.2.dependencies.1: a step cannot wait for itself; allowed: a',
        'spec.steps.2.dependencies.2: there is no step nothing beside it; allowed: a',
        'spec.steps.2.template: there is no template wiat; did you mean wait?; allowed: slow, wait',
      ],
    ],
    [
      'circles',
      {
        steps: [
          { ...a, dependencies: ['b'] },
          { name: 'b', template: 'wait', dependencies: ['a'] },
        ],
      },
      ['spec.steps: steps wait for each other: a → b → a; allowed: dependencies without a circle'],
    ],
    [
      'templates that are parts of themselves',
      {
        templates: [{ name: 'again', workflow: { steps: [{ name: 'b', template: 'again' }] } }],
        steps: [{ name: 'a', template: 'again' }],
      },
      [
        'spec.templates.0.workflow.steps.0.template: the template is a part of itself: again → again; allowed: another template',
      ],
    ],
    [
      'parameters',
      {
        steps: [
          { name: 'a', template: 'slow', arguments: { latncy: '1s', targets: 'many', latency: '${{ parameters.x }}' } },
        ],
      },
      [
        'spec.steps.0.arguments.latency: there is no parameter x; allowed: no parameter: the template has none',
        'spec.steps.0.arguments.latncy: there is no parameter latncy; did you mean latency?; allowed: latency, targets',
        'spec.steps.0.arguments.latency: "${{ parameters.x }}" is none; allowed: a duration such as 30s, up to 2400h',
        'spec.steps.0.arguments.targets: "many" is none; allowed: a whole number',
      ],
    ],
    [
      'experiments',
      {
        templates: [
          { ...slow, experiment: { ...slow.experiment, duration: 'long', action: { type: 'network-dely' } } },
        ],
        steps: [
          { name: 'a', template: 'slow' },
          { name: 'b', template: 'slow' },
        ],
      },
      [
        expect.stringMatching(/^spec\.templates\.0\.experiment\.duration: "long"/) as unknown as string,
        expect.stringMatching(/^spec\.templates\.0\.experiment\.action\.type: .*network-delay/) as unknown as string,
      ],
    ],
    [
      'expressions, also about steps that need not be over',
      {
        parameters: [{ name: 'strict', type: 'boolean', default: true }],
        templates: [slow, wait, { name: 'ok', condition: 'steps.c.verdict' }],
        steps: [
          { name: 'a', template: 'slow' },
          { name: 'b', template: 'wait', when: 'parameters.strict && steps.a.verdict == "Held"' },
          { name: 'c', template: 'slow', dependencies: ['a'], when: 'steps.a.verdict == "Held"' },
          { name: 'd', template: 'ok', dependencies: ['c'] },
        ],
      },
      [
        'spec.steps.1.when: column 28: no such key: a; allowed: CEL that is true or false; it may name parameters.strict',
        'spec.templates.2.condition: column 1: it is of the type string, not bool; allowed: CEL that is true or false; it may name steps.c, steps.a',
      ],
    ],
    [
      'what a template is',
      { templates: [{ name: 'wait', delay: '1s', condition: 'true' }, { name: 'empty' }], steps: [a] },
      [
        'spec.templates.0: it is delay and condition; allowed: exactly one of experiment, workflow, parallel, delay, condition, suspend, probe',
        'spec.templates.1: it does nothing; allowed: exactly one of experiment, workflow, parallel, delay, condition, suspend, probe',
      ],
    ],
    [
      'an exit without an end',
      { templates: [wait, { name: 'ask', suspend: {} }], steps: [a], onExit: [{ name: 'b', template: 'ask' }] },
      ['spec.onExit.0: what is done at the exit would never be over; allowed: a template whose suspend has a timeout'],
    ],
  ])('%s', (_what, spec, problems) => {
    expect(problemsOf(spec)).toEqual(problems);
  });

  test('so are parameters in what rights are asked about, in every template, and in nothing else', () => {
    const x = '${{ parameters.x }}';
    const secret = { name: 'A', valueFrom: { secretKeyRef: { name: `s-${x}`, key: 'k' } } };
    const url = { type: 'http', url: 'http://${{ parameters.x }}' };
    const fields = (...paths: readonly string[]) =>
      paths.map(
        (path) =>
          `spec.templates.2.experiment.${path}: a parameter cannot stand here: rights are asked about it before there are values; ` +
          'allowed: the value itself; another one is another template',
      );
    const found = (change: object) => {
      const experiment = { ...slow.experiment, action: { type: 'pod-kill' }, ...change };
      const unused = { name: 'unused', parameters: [{ name: 'x', default: 'pod' }], experiment };
      return problemsOf({ templates: [slow, wait, unused], steps: [{ name: 'a', template: 'wait' }] });
    };
    expect(found({ target: { kind: x, namespace: `a-${x}` } })).toEqual(fields('target.kind', 'target.namespace'));
    const peers = [{ cidr: x }, { podSelector: { namespace: x, labelSelector: { matchLabels: { a: x } } } }];
    expect(found({ peers })).toEqual(fields('peers.1.podSelector.namespace'));
    for (const list of ['before', 'during', 'after'])
      expect(found({ steadyState: { [list]: [url, { type: x, kind: x }] } })).toEqual(
        fields(`steadyState.${list}.1.type`, `steadyState.${list}.1.kind`),
      );
    expect(found({ abortConditions: [{ ...url, headers: [{ name: 'B', value: x }, secret] }] })).toEqual(
      fields('abortConditions.0.headers.1.valueFrom.secretKeyRef.name'),
    );
    expect(found({ abortConditions: [url], duration: x, target: { names: [x], mode: x } })).toEqual([]);
  });

  test('so are more steps than there may be, which templates of templates make', () => {
    const many = (name: string, template: string) => ({
      name,
      parallel: { steps: Array.from({ length: 20 }, (_, index) => ({ name: `s${index}`, template })) },
    });
    const spec = {
      templates: [wait, many('one', 'wait'), many('two', 'one'), many('three', 'two')],
      steps: [{ name: 'a', template: 'three' }],
    };
    expect(problemsOf(spec)).toEqual([
      'spec.steps: with those of its templates there are more than 300 steps; allowed: at most 300',
    ]);
  });
});
