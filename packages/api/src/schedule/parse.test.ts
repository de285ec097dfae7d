/** What the file of a schedule may say, and that every mistake in it is named at once. */
import { ChaosError } from '@chaosplane/common/pure';
import { describe, expect, test } from '@jest/globals';
import { childName, scheduledForOf, SCHEDULED_FOR_ANNOTATION } from './child.ts';
import { parseSchedule } from './parse.ts';

const experiment = {
  target: { labelSelector: { matchLabels: { app: 'web' } } },
  action: { type: 'network-delay', parameters: { latency: '200ms' } },
  duration: '8s',
};
const workflow = {
  parameters: [{ name: 'latency', type: 'duration' }],
  arguments: { latency: '200ms' },
  templates: [
    {
      ...{ name: 'slow', parameters: [{ name: 'latency', type: 'duration' }] },
      experiment: {
        ...experiment,
        action: { ...experiment.action, parameters: { latency: '${{ parameters.latency }}' } },
      },
    },
  ],
  steps: [{ name: 'slow', template: 'slow', arguments: { latency: '${{ parameters.latency }}' } }],
};
const documentOf = (changes: object): unknown => ({
  apiVersion: 'chaos.chaosplane.io/v1alpha1',
  kind: 'ChaosSchedule',
  metadata: { name: 'nightly', namespace: 'shop' },
  spec: { schedule: '30 2 * * *', experiment, ...changes },
});

function problemsOf(document: unknown): string[] {
  try {
    parseSchedule(document, 'cluster');
    return [];
  } catch (error) {
    if (!(error instanceof ChaosError)) throw error;
    return error.problems.map(({ path, wrong }) => `${path}: ${wrong}`);
  }
}

test('a schedule has its defaults filled in, and its experiment is in its namespace', () => {
  const { spec } = parseSchedule(documentOf({}), 'cluster');
  expect(spec).toMatchObject({
    schedule: { text: '30 2 * * *' },
    timeZone: 'UTC',
    dst: 'shift',
    concurrencyPolicy: 'Forbid',
    startingDeadlineSeconds: 300,
    successfulHistoryLimit: 3,
    failedHistoryLimit: 3,
    suspend: false,
    jitter: 0,
    windows: { blocked: [] },
    freeze: [],
    experiment: { duration: 8000, target: { namespace: 'shop' } },
  });
});

test('startWhen has its defaults, too', () => {
  const startWhen = { probes: [{ type: 'http', url: 'http://shop/' }] };
  expect(parseSchedule(documentOf({ startWhen }), 'cluster').spec.startWhen).toMatchObject({
    mode: 'all',
    timeout: 300_000,
    probes: [{ expectStatus: 200 }],
  });
});

describe('a schedule of a workflow', () => {
  const ofWorkflow = (changes: object, rest: object = {}): unknown =>
    documentOf({ ...rest, experiment: undefined, workflow: { ...workflow, ...changes } });

  test('gives it its parameters, and each experiment of it is in its namespace', () => {
    const { spec } = parseSchedule(ofWorkflow({ deadline: '1h' }), 'cluster');
    expect(Object.keys(spec)).not.toContain('experiment');
    expect(spec.workflow).toMatchObject({
      deadline: 3600_000,
      parameters: { latency: '200ms' },
      steps: [{ experiment: { target: { namespace: 'shop' }, action: { parameters: { latency: '200ms' } } } }],
    });
  });

  test.each<[what: string, changes: object, rest: object, told: string[]]>([
    [
      'of its parameters, its steps and the schedule',
      { arguments: {}, steps: [{ name: 'a', template: 'slow', dependencies: ['b'], arguments: { latency: '1s' } }] },
      { timeZone: 'utc' },
      [
        'spec.timeZone: "utc" is not a time zone',
        'spec.workflow.arguments.latency: it has no value',
        'spec.workflow.steps.0.dependencies.0: there is no step b',
      ],
    ],
    ['of its fields', { step: [] }, {}, ['spec.workflow: "step" is not known here; did you mean steps?']],
    [
      'of its experiments',
      { arguments: { latency: '10h' } },
      {},
      ['spec.workflow.templates.0.experiment.action.parameters.latency: "10h" is too long'],
    ],
    ...[
      { windows: { allowed: [{}] } },
      { windows: { blocked: [{}] } },
      { freeze: [{ from: '2026-03-01', to: '2026-03-02' }] },
    ].map((rest): [string, object, object, string[]] => [
      `that it has no end beside ${Object.keys(rest)[0]}`,
      {},
      rest,
      [
        'spec.workflow.deadline: it is required, because windows and freeze are about the whole time that a run may take',
      ],
    ]),
    ['none with a deadline', { deadline: '1h' }, { windows: { blocked: [{}] } }, []],
    ['none where windows are empty', {}, { windows: { blocked: [] }, freeze: [] }, []],
  ])('is told every problem: %s', (_what, changes, rest, told) => {
    expect(problemsOf(ofWorkflow(changes, rest))).toEqual(told.map((line) => expect.stringContaining(line)));
  });
});

describe('all problems are told at once', () => {
  test('of the schedule and of its experiment', () => {
    const action = { type: 'network-delay', parameters: { latency: 'soon' } };
    const spec = { schedule: '0 0 * * 7', timeZone: 'utc', experiment: { ...experiment, action, durations: '1s' } };
    expect(problemsOf(documentOf(spec))).toEqual([
      'spec.schedule: the day of the week "7" is above 6',
      'spec.timeZone: "utc" is not a time zone; did you mean UTC?',
      'spec.experiment: "durations" is not known here; did you mean duration?',
      'spec.experiment.action.parameters.latency: "soon" is not a duration',
    ]);
  });

  test.each<[what: string, spec: object, told: string[]]>([
    ['nothing that is run', { experiment: undefined }, ['spec: it has neither experiment nor workflow']],
    ['both', { workflow }, ['spec: it has experiment and workflow']],
    ['an unknown field', { cron: '' }, ['spec: "cron" is not known here']],
    [
      'a zone in other letters',
      { timeZone: 'europe/berlin' },
      ['spec.timeZone: "europe/berlin" is not a time zone; did you mean Europe/Berlin?'],
    ],
    ['a zone of the database by its older name', { timeZone: 'US/Pacific' }, []],
    ['one without a place', { timeZone: 'EST5EDT' }, []],
    ['that one in other letters', { timeZone: 'est5edt' }, ['spec.timeZone: "est5edt" is not a time zone']],
    ['an offset', { timeZone: 'GMT+1' }, ['spec.timeZone: "GMT+1" is not a time zone']],
    [
      'a date that there is not',
      { freeze: [{ from: '2026-02-30', to: '2026-03-01' }] },
      ['spec.freeze.0.from: "2026-02-30" is not a date'],
    ],
    [
      'a freeze that ends before it begins',
      { freeze: [{ from: '2026-03-02', to: '2026-03-01' }] },
      ['spec.freeze.0.to: it is before 2026-03-02'],
    ],
    ['more jitter than deadline', { jitter: '6m' }, ['spec.jitter: a run would begin later than it may']],
    [
      'probes that would be asked too late',
      { startingDeadlineSeconds: 30, startWhen: { probes: [{ type: 'http', url: 'http://shop/' }] } },
      ['spec.startWhen.timeout: a run would begin later than it may'],
    ],
    ['no probes', { startWhen: { probes: [] } }, ['spec.startWhen.probes: it is empty']],
    ['nothing at all', { schedule: '' }, ['spec.schedule: it is empty']],
    [
      'a window of no time',
      { windows: { blocked: [{ from: '09:00', to: '09:00' }] } },
      ['spec.windows.blocked.0.to: it is no time at all'],
    ],
  ])('%s', (_what, spec, told) => {
    const problems = problemsOf(documentOf(spec));
    expect(problems).toEqual(told.map((line) => expect.stringContaining(line)));
  });

  test('what goes beyond one field of the experiment has its path', () => {
    expect(
      problemsOf(documentOf({ experiment: { ...experiment, target: { ...experiment.target, kind: 'Node' } } })),
    ).toEqual(['spec.experiment.target.kind: network-delay hits a Pod, not a Node']);
  });

  test('a document without a spec', () => {
    expect(problemsOf({ kind: 'ChaosSchedule' })).toContain('spec: it is required');
    expect(problemsOf(null)).toEqual(['the document: it has no value: give it one, or leave it out']);
  });
});

describe('the name of a run', () => {
  const at = Date.parse('2026-11-30T02:30:00Z');

  test.each([
    ['nightly', 'calendar', 'nightly-29933430'],
    ['nightly', 'every', 'nightly-1796005800'],
  ] as const)('of %s with a %s', (name, kind, expected) => {
    expect(childName(name, kind, at)).toBe(expected);
  });

  test('is a label of 63 characters at most, and differs for long names that begin alike', () => {
    const long = 'a'.repeat(40) + '.' + 'b'.repeat(200);
    const [one, other] = [childName(long, 'every', at), childName(`${long}c`, 'every', at)];
    expect([one.length, other.length]).toEqual([one.length, one.length]);
    expect(one.length).toBeLessThanOrEqual(63);
    expect(one).not.toBe(other);
    expect(one).toMatch(/^[a-z0-9.-]+-1796005800$/);
    // A name that is cut in front of a dot is none.
    expect(childName(`${'a'.repeat(44)}.bbbbbbbbbbbbbbbbbb`, 'calendar', at)).not.toMatch(/[.-]{2}/);
  });

  test('tells for when it was planned, together with the annotation', () => {
    const metadata = { name: 'nightly-29933430', annotations: { [SCHEDULED_FOR_ANNOTATION]: '2026-11-30T02:30:00Z' } };
    expect(scheduledForOf({ metadata })).toBe(at);
    const forged = { [SCHEDULED_FOR_ANNOTATION]: '2036-11-30T02:30:00Z' };
    expect(scheduledForOf({ metadata: { ...metadata, annotations: forged } })).toBeUndefined();
  });
});
