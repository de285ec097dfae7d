/** What happens next to workflows: order, conditions, failures and ends. */
import { describe, expect, test } from '@jest/globals';
import { graphOf } from './graph.ts';
import {
  initialWorkflow,
  type NodePhase,
  type NodeState,
  type Question,
  type Strategy,
  type WorkflowState,
  type WorkflowStep,
} from '@chaosplane/api';
import { attemptOf, type Effect, type SeenExperiment, type Wish } from './turn.ts';
import { openWorkflow } from './workflow.ts';

interface Given extends Partial<Pick<WorkflowStep, 'dependencies' | 'onError'>> {
  readonly when?: string;
}

const questionOf = (text: string): Question => ({ text, steps: [], parameters: [], values: {} });

const common = (name: string, { dependencies = [], onError = { strategy: 'abort' }, when }: Given) => ({
  ...{ name, dependencies, onError },
  ...(when === undefined ? {} : { when: questionOf(when) }),
});
const hit = (name: string, given: Given = {}): WorkflowStep => ({
  ...common(name, given),
  kind: 'experiment',
  experiment: {} as never,
  document: {},
});
const delay = (name: string, ms: number, given: Given = {}): WorkflowStep => ({
  ...common(name, given),
  kind: 'delay',
  ms,
});
const condition = (name: string, expression: string, given: Given = {}): WorkflowStep => ({
  ...common(name, given),
  ...{ kind: 'condition', question: questionOf(expression) },
});
const group = (name: string, steps: readonly WorkflowStep[], given: Given = {}): WorkflowStep => ({
  ...common(name, given),
  ...{ kind: 'parallel', steps },
});
const retry = (limit: number): Strategy => ({ strategy: 'retry', limit, backOffMs: 100, factor: 2, mostMs: 250 });

interface Played {
  /** What was written of it before. */
  readonly saved?: WorkflowState;
  readonly wished?: Wish;
  readonly maxParallelism?: number;
  readonly deadlineMs?: number;
  readonly onExit?: readonly WorkflowStep[];
}

/** A workflow by hand: what it is told, and what it asked for. */
function staged(
  steps: readonly WorkflowStep[],
  { maxParallelism = 10, deadlineMs, onExit = [], saved = initialWorkflow, wished = 'none' }: Played = {},
) {
  const limits = { maxParallelism, ...(deadlineMs === undefined ? {} : { deadlineMs }) };
  const workflow = openWorkflow(graphOf(steps, onExit), saved, limits);
  const experiments = new Map<string, SeenExperiment>();
  const resumed = new Set<string>();
  const asked: string[] = [];
  let wish = wished;
  let now = 0;
  let until: number | undefined;
  const turn = (): void => {
    const evaluate = ({ text }: Question) =>
      text === 'broken' ? { error: 'no such key: x' } : { value: text === 'true' };
    const { effects, ...rest } = workflow.turn({ experiments, answers: new Map(), resumed, wish, evaluate }, now);
    until = rest.until;
    asked.push(...effects.map(({ kind, id, attempt }: Effect) => `${kind} ${attemptOf(id, attempt)}`));
    for (const { kind, id, attempt } of effects)
      if (kind === 'create') experiments.set(attemptOf(id, attempt), { state: 'under way' });
  };
  turn();
  return {
    asked,
    get state(): WorkflowState {
      return workflow.state;
    },
    get until() {
      return until;
    },
    phases: (): Record<string, NodePhase> =>
      Object.fromEntries([...workflow.state.nodes].map(([id, { phase }]) => [id, phase])),
    ends(key: string, how: 'well' | 'badly' | 'aborted' = 'well') {
      const result = { verdict: how === 'badly' ? ('NotHeld' as const) : ('Held' as const) };
      experiments.set(key, {
        state: 'over',
        failed: how === 'badly',
        wasEnded: how === 'aborted',
        message: how,
        result,
      });
      turn();
    },
    at(time: number) {
      now = time;
      turn();
    },
    resume(id: string) {
      resumed.add(id);
      turn();
    },
    wish(wanted: Wish) {
      wish = wanted;
      turn();
    },
  };
}

test('steps begin when all that they depend on are over', () => {
  const flow = staged([hit('a'), hit('b'), hit('c', { dependencies: ['a', 'b'] })]);
  expect(flow.asked).toEqual(['create a#1', 'create b#1']);
  flow.ends('a#1');
  expect(flow.phases()).toEqual({ a: 'Succeeded', b: 'Running' });
  flow.ends('b#1');
  flow.ends('c#1');
  expect(flow.state).toMatchObject({ phase: 'Completed', outcome: { message: 'every step is over' } });
});

test('no more experiments than maxParallelism are under way, and what is none of them goes on', () => {
  const flow = staged([hit('a'), hit('b'), delay('c', 10)], { maxParallelism: 1 });
  expect(flow.asked).toEqual(['create a#1']);
  expect(flow.phases()).toEqual({ a: 'Running', c: 'Running' });
  flow.ends('a#1');
  expect(flow.asked).toEqual(['create a#1', 'create b#1']);
});

test('parts of a step are steps of the same workflow, and it is over with the last of them', () => {
  const flow = staged([
    group('both', [hit('x'), hit('y', { dependencies: ['x'] })]),
    hit('z', { dependencies: ['both'] }),
  ]);
  expect(flow.asked).toEqual(['create both/x#1']);
  flow.ends('both/x#1');
  flow.ends('both/y#1');
  expect(flow.phases()).toEqual({ both: 'Succeeded', 'both/x': 'Succeeded', 'both/y': 'Succeeded', z: 'Running' });
});

describe('an expression', () => {
  test('of when that is false skips its step, and those behind it begin', () => {
    const flow = staged([hit('a', { when: 'false' }), hit('b', { dependencies: ['a'] })]);
    expect(flow.phases()).toEqual({ a: 'Skipped', b: 'Running' });
  });

  test('of a condition that is false skips all that is behind it, however far', () => {
    const flow = staged([
      condition('ok', 'false'),
      hit('a', { dependencies: ['ok'] }),
      hit('b', { dependencies: ['a'] }),
      hit('c'),
    ]);
    expect(flow.phases()).toEqual({ ok: 'Succeeded', a: 'Skipped', b: 'Skipped', c: 'Running' });
  });

  test('that cannot be evaluated fails its step, and is not tried again', () => {
    const flow = staged([hit('a', { when: 'broken', onError: retry(3) })]);
    expect(flow.phases()).toEqual({ a: 'Failed' });
    expect(flow.state.outcome?.message).toBe('a: when: no such key: x');
  });
});

describe('a step that fails', () => {
  test('with abort ends all others at once, and the workflow has failed', () => {
    const flow = staged([hit('a'), hit('b'), hit('c'), hit('d', { dependencies: ['a'] })]);
    flow.ends('a#1', 'badly');
    expect(flow.asked.slice(3).toSorted()).toEqual(['end b#1', 'end c#1']);
    flow.ends('b#1', 'aborted');
    expect(flow.state.phase).toBe('Ending');
    flow.ends('c#1', 'aborted');
    expect(flow.phases()).toEqual({ a: 'Failed', b: 'Aborted', c: 'Aborted' });
    expect(flow.state).toMatchObject({ phase: 'Failed', outcome: { message: 'a: badly' } });
  });

  test('with rollback ends the others one after the other, those that began last first', () => {
    const flow = staged([
      hit('a'),
      delay('first', 10),
      hit('b', { dependencies: ['first'] }),
      delay('second', 20),
      hit('c', { dependencies: ['second'], onError: { strategy: 'rollback' } }),
    ]);
    flow.at(10);
    flow.at(20);
    flow.ends('c#1', 'badly');
    const ends = (): string[] => flow.asked.filter((line) => line.startsWith('end'));
    expect(ends()).toEqual(['end b#1']);
    flow.ends('b#1', 'aborted');
    expect(ends()).toEqual(['end b#1', 'end a#1']);
    flow.ends('a#1', 'aborted');
    expect(flow.state.phase).toBe('Failed');
  });

  test('with continue counts as failed, and those behind it begin', () => {
    const flow = staged([hit('a', { onError: { strategy: 'continue' } }), hit('b', { dependencies: ['a'] })]);
    flow.ends('a#1', 'badly');
    flow.ends('b#1');
    expect(flow.phases()).toEqual({ a: 'Failed', b: 'Succeeded' });
    expect(flow.state.phase).toBe('Completed');
  });

  test('with retry is tried again after pauses that grow up to the longest, and then ends the workflow', () => {
    const flow = staged([hit('a', { onError: retry(3) })]);
    const pauses: number[] = [];
    let now = 0;
    for (const attempt of [1, 2, 3]) {
      flow.ends(`a#${attempt}`, 'badly');
      pauses.push((flow.until ?? 0) - now);
      now = flow.until ?? 0;
      flow.at(now);
    }
    expect(pauses).toEqual([100, 200, 250]);
    expect(flow.asked).toEqual(['create a#1', 'create a#2', 'create a#3', 'create a#4']);
    flow.ends('a#4', 'badly');
    expect(flow.state.phase).toBe('Failed');
  });
});

describe('the end of the whole', () => {
  const onExit = [hit('tidy')];

  test('does what onExit says, after everything else, once', () => {
    const flow = staged([hit('a'), hit('b', { dependencies: ['a'] })], { onExit });
    flow.ends('a#1', 'badly');
    expect(flow.asked).toEqual(['create a#1', 'create onExit/tidy#1']);
    expect(flow.state.phase).toBe('Exiting');
    flow.ends('onExit/tidy#1');
    expect(flow.state).toMatchObject({ phase: 'Failed', outcome: { message: 'a: badly' } });
  });

  test('is Failed where onExit fails, although every step was over', () => {
    const flow = staged([hit('a')], { onExit });
    flow.ends('a#1');
    flow.ends('onExit/tidy#1', 'badly');
    expect(flow.state).toMatchObject({ phase: 'Failed', outcome: { message: 'onExit/tidy: badly' } });
  });

  test('by a wish ends experiments and waits, and a second wish those of the exit', () => {
    const flow = staged([hit('a'), { ...common('wait', {}), kind: 'suspend' }], { onExit });
    flow.wish('abort');
    expect(flow.phases()).toEqual({ a: 'Running', wait: 'Aborted' });
    flow.ends('a#1', 'aborted');
    expect(flow.asked).toEqual(['create a#1', 'end a#1', 'create onExit/tidy#1']);
    flow.wish('delete');
    expect(flow.asked.at(-1)).toBe('end onExit/tidy#1');
    flow.ends('onExit/tidy#1', 'aborted');
    expect(flow.state).toMatchObject({ phase: 'Aborted', outcome: { message: 'it was aborted' } });
  });

  test('comes with the deadline', () => {
    const flow = staged([hit('a'), delay('long', 5000)], { deadlineMs: 1000 });
    expect(flow.until).toBe(1000);
    flow.at(1000);
    expect(flow.asked).toEqual(['create a#1', 'end a#1']);
    flow.ends('a#1', 'aborted');
    expect(flow.state).toMatchObject({ phase: 'Failed', outcome: { message: 'it took longer than its deadline' } });
  });
});

test('a status that was lost asks for the same experiment, by the same name, and for no other', () => {
  const graph = graphOf([hit('a'), hit('b', { dependencies: ['a'] })], []);
  const turnFrom = (saved: WorkflowState, experiments: ReadonlyMap<string, SeenExperiment>, now: number) => {
    const workflow = openWorkflow(graph, saved, { maxParallelism: 5 });
    const evaluate = () => ({ value: true });
    const { effects } = workflow.turn(
      { experiments, answers: new Map(), resumed: new Set(), wish: 'none', evaluate },
      now,
    );
    return {
      asked: effects.map(({ kind, id, attempt }) => `${kind} ${attemptOf(id, attempt)}`),
      state: workflow.state,
    };
  };
  const { asked } = turnFrom(initialWorkflow, new Map(), 0);
  expect(asked).toEqual(['create a#1']);
  // Made, and nothing of it was written; also after it has run for a while, and when it is over.
  const again = turnFrom(initialWorkflow, new Map([['a#1', { state: 'under way' }]]), 1000);
  expect(new Set([...asked, ...again.asked])).toEqual(new Set(['create a#1']));
  const over = { state: 'over', failed: false, wasEnded: false, message: '', result: {} } as const;
  const later = turnFrom(initialWorkflow, new Map([['a#1', over]]), 2000);
  expect(later.state.nodes.get('a')).toMatchObject({ phase: 'Succeeded', attempt: 1 });
  expect(later.asked.filter((line) => line !== 'create a#1')).toEqual(['create b#1']);
});

test('a suspended step goes on when it is resumed, and fails when it is not in time', () => {
  const steps: WorkflowStep[] = [{ ...common('wait', {}), kind: 'suspend', timeoutMs: 500 }];
  const resumed = staged(steps);
  expect(resumed.until).toBe(500);
  resumed.resume('wait');
  expect(resumed.state.phase).toBe('Completed');
  const late = staged(steps);
  late.at(500);
  expect(late.state).toMatchObject({ phase: 'Failed', outcome: { message: 'wait: it was not resumed in time' } });
});

test('the parts of what is done at the exit begin also where their step was written, and the phase was not', () => {
  const running = { phase: 'Running', attempt: 1, startedAt: 0 } as const;
  const saved: WorkflowState = {
    phase: 'Running',
    startedAt: 0,
    nodes: new Map<string, NodeState>([
      ['a', { phase: 'Succeeded', attempt: 1 }],
      ['onExit/both', running],
      ['onExit/both/x', { ...running, asked: 1 }],
    ]),
  };
  const onExit = [group('both', [hit('x'), hit('y')])];
  const flow = staged([hit('a')], { maxParallelism: 1, onExit, saved });
  flow.ends('onExit/both/x#1');
  flow.ends('onExit/both/y#1');
  expect(flow.asked).toEqual(['look onExit/both/x#1', 'create onExit/both/y#1']);
  expect(flow.state.phase).toBe('Completed');
});

test('a second wish for the end, heeded and not written any more, ends nothing that begins after it', () => {
  const onExit = [delay('wait', 5000), hit('tidy', { dependencies: ['wait'] })];
  const first = staged([hit('a')], { onExit });
  first.wish('abort');
  first.ends('a#1', 'aborted');
  first.wish('delete');
  const again = staged([hit('a')], { onExit, saved: { ...first.state, wish: 'abort' }, wished: 'delete' });
  again.at(1);
  expect(again.phases()).toMatchObject({ 'onExit/wait': 'Aborted', 'onExit/tidy': 'Running' });
  expect(again.state.nodes.get('onExit/tidy')?.isEnded).toBeUndefined();
});

test('what an attempt has found is not told of the next one', () => {
  const flow = staged([hit('a', { onError: retry(1) })]);
  flow.ends('a#1', 'badly');
  expect(flow.state.nodes.get('a')).toMatchObject({ phase: 'Waiting', result: { verdict: 'NotHeld' } });
  flow.at(100);
  expect(flow.state.nodes.get('a')).toEqual({ phase: 'Running', attempt: 2, startedAt: 100, asked: 2 });
});
