/** Random workflows on a random stage, for tests: experiments take their time, events are late, and operators are killed between writes. */
import { hashOf, seededRandom } from '@chaosplane/common/pure';
import { graphOf, type Graph } from './graph.ts';
import {
  initialWorkflow,
  isWorkflowOver,
  type NodeState,
  type Question,
  type Strategy,
  type WorkflowState,
  type WorkflowStep,
} from '@chaosplane/api';
import { attemptOf, stepOf, type Effect, type ProbeAnswer, type Seen, type SeenExperiment, type Turn } from './turn.ts';
import { openWorkflow } from './workflow.ts';

/** How a workflow and what it meets are drawn. */
export interface Drawing {
  readonly seed: number;
  /** Whether steps may end the whole, or a person does: how far the others come is a matter of time then. */
  readonly harsh: boolean;
}

/** A workflow, and what its steps will meet. */
export interface Plot {
  readonly graph: Graph;
  /** Whether that attempt of a step fails. */
  fails(key: string): boolean;
  /** How long that attempt takes, in milliseconds. */
  takes(key: string): number;
  readonly maxParallelism: number;
  /** When the end is wished for. */
  readonly abortAt: number;
  readonly isHarsh: boolean;
}

const questionOf = (text: string): Question => ({ text, steps: [], parameters: [], values: {} });

export function plotOf({ seed, harsh }: Drawing): Plot {
  const random = seededRandom(seed);
  const below = (most: number): number => Math.floor(random() * most);
  const strategies: readonly Strategy[] = [
    { strategy: 'continue' },
    { strategy: 'retry', limit: 3, backOffMs: 1 + below(50), factor: 2, mostMs: 100 },
    ...(harsh ? ([{ strategy: 'abort' }, { strategy: 'rollback' }] as const) : []),
  ];
  let serial = 0;
  const stepsOf = (count: number, depth: number): WorkflowStep[] => {
    const steps: WorkflowStep[] = [];
    for (let index = 0; index < count; index += 1) steps.push(stepOf(steps, depth));
    return steps;
  };
  const stepOf = (before: readonly WorkflowStep[], depth: number): WorkflowStep => {
    const name = `s${(serial += 1)}`;
    const dependencies = before.filter(() => random() < 0.4).map((step) => step.name);
    const common = {
      name,
      dependencies,
      parameters: {},
      onError: strategies[below(strategies.length)] ?? { strategy: 'continue' },
    };
    const when = random() < 0.1 ? { when: questionOf(random() < 0.5 ? 'true' : 'false') } : {};
    const kind = random();
    if (kind < 0.5) return { ...common, ...when, kind: 'experiment', experiment: {} as never, document: {} };
    if (kind < 0.6) return { ...common, ...when, kind: 'delay', ms: below(100) };
    if (kind < 0.7) return { ...common, kind: 'condition', question: questionOf(random() < 0.7 ? 'true' : 'false') };
    if (kind < 0.8) return { ...common, kind: 'probe', probe: {} as never };
    if (kind < 0.9 || depth > 1) return { ...common, kind: 'suspend' };
    return { ...common, ...when, kind: random() < 0.5 ? 'parallel' : 'workflow', steps: stepsOf(below(4), depth + 1) };
  };
  const graph = graphOf(stepsOf(1 + below(6), 0), random() < 0.5 ? stepsOf(1 + below(2), 1) : []);
  // Of those that are tried again, the last attempt succeeds where nothing may end the whole.
  const fails = (key: string): boolean => hashOf(`${seed} ${key}`) % 3 === 0 && (harsh || !key.endsWith('#4'));
  return {
    graph,
    fails,
    takes: (key) => 1 + (hashOf(`${key} ${seed}`) % 200),
    maxParallelism: 1 + below(4),
    abortAt: harsh && random() < 0.3 ? below(500) : Infinity,
    isHarsh: harsh,
  };
}

/** How a history ended. */
export interface Ended {
  readonly state: WorkflowState;
  /** How often each experiment was made. */
  readonly made: ReadonlyMap<string, number>;
  /** Experiments that are in force at the end. */
  readonly left: readonly string[];
  /** How often operators were killed. */
  readonly kills: number;
}

interface Experiment {
  readonly endsAt: number;
  readonly failed: boolean;
  endedAt?: number;
  isDeleted?: true;
}

/** Recovery takes so long. */
const RECOVERY_MS = 5;

/** The experiments of a workflow, and their time. */
function stageOf(plot: Plot) {
  const experiments = new Map<string, Experiment>();
  const made = new Map<string, number>();
  const stage = {
    now: 1,
    experiments,
    made,
    stateOf(key: string): SeenExperiment {
      const one = experiments.get(key);
      if (one === undefined) return { state: 'gone' };
      const { endsAt, endedAt = Infinity, failed } = one;
      if (stage.now < endsAt && stage.now < endedAt + RECOVERY_MS) return { state: 'under way' };
      const wasEnded = endedAt < endsAt;
      return { state: 'over', failed: failed && !wasEnded, wasEnded, message: key, result: { verdict: 'Held' } };
    },
    make(key: string): void {
      if (experiments.has(key)) return;
      experiments.set(key, { endsAt: stage.now + plot.takes(key), failed: plot.fails(key) });
      made.set(key, (made.get(key) ?? 0) + 1);
    },
    end(key: string): void {
      const one = experiments.get(key);
      if (one !== undefined) one.endedAt ??= stage.now;
    },
    /** A person deletes one: it recovers, and is gone when the workflow has noted that it was there. */
    remove(chance: (share: number) => boolean, isNoted: (key: string) => boolean): void {
      for (const [key, one] of experiments) {
        if (chance(0.01)) {
          one.isDeleted = true;
          one.endedAt ??= stage.now;
        }
        if (one.isDeleted === true && isNoted(key) && stage.stateOf(key).state === 'over') experiments.delete(key);
      }
    },
    /** When something happens by itself. */
    nextAt(until = Infinity): number {
      const ends = [...experiments.values()].flatMap(({ endsAt, endedAt = Infinity }) => [
        endsAt,
        endedAt + RECOVERY_MS,
      ]);
      return Math.min(until, ...[plot.abortAt, ...ends].filter((at) => at > stage.now));
    },
  };
  return stage;
}

/** One history; `disturb` draws what goes wrong: undefined for one in which nothing does. */
export function play(plot: Plot, disturb?: () => number): Ended {
  const stage = stageOf(plot);
  const saved = { whole: initialWorkflow, nodes: new Map<string, NodeState>() };
  const chance = (share: number): boolean => disturb !== undefined && disturb() < share;
  let kills = 0;

  const isNoted = (key: string): boolean => {
    const { id, attempt } = stepOf(key);
    return (saved.nodes.get(id)?.asked ?? 0) >= attempt;
  };
  const elect = () => {
    const experiments = new Map([...stage.experiments.keys()].map((key) => [key, stage.stateOf(key)]));
    const state = { ...saved.whole, nodes: new Map(saved.nodes) };
    const workflow = openWorkflow(plot.graph, state, { maxParallelism: plot.maxParallelism });
    return { workflow, experiments, answers: new Map<string, ProbeAnswer>() };
  };
  let leader = elect();

  const takeTurn = (): Turn => {
    const { workflow, experiments, answers } = leader;
    const seen: Seen = {
      ...{ experiments, answers },
      resumed: { has: () => true } as unknown as ReadonlySet<string>,
      wish: stage.now >= plot.abortAt ? 'abort' : 'none',
      evaluate: ({ text }) => ({ value: text === 'true' }),
    };
    return workflow.turn(seen, stage.now);
  };

  /** Each is a write of its own. */
  function* carryOut({ effects, changed, wholeChanged }: Turn): Iterable<void> {
    const { workflow } = leader;
    for (const effect of effects) {
      perform(effect);
      yield;
    }
    for (const [id, node] of changed) {
      saved.nodes.set(id, node);
      yield;
    }
    if (wholeChanged) saved.whole = { ...workflow.state, nodes: new Map() };
  }

  function perform({ kind, id, attempt }: Effect): void {
    const key = attemptOf(id, attempt);
    if (kind === 'look') leader.experiments.set(key, stage.stateOf(key));
    else if (kind === 'ask') leader.answers.set(key, { passed: !plot.fails(key), message: key });
    else if (kind === 'end') stage.end(key);
    else stage.make(key);
  }

  for (let step = 0; step < 5000 && !isWorkflowOver(saved.whole); step += 1) {
    for (const key of stage.experiments.keys()) if (!chance(0.4)) leader.experiments.set(key, stage.stateOf(key));
    if (plot.isHarsh) stage.remove(chance, isNoted);
    let killed = chance(0.1);
    if (!killed) {
      const turn = takeTurn();
      for (const _ of carryOut(turn)) if ((killed ||= chance(0.08))) break;
      // An event that comes twice.
      if (!killed && chance(0.1)) for (const _ of carryOut(takeTurn()));
      const isIdle = turn.effects.length === 0 && turn.changed.size === 0;
      if (isIdle) stage.now = Math.min(stage.nextAt(turn.until), stage.now + 1000) + 1;
      else if (chance(0.5)) stage.now += 3;
    }
    if (!killed) continue;
    kills += 1;
    leader = elect();
  }
  const left = [...stage.experiments.keys()].filter((key) => stage.stateOf(key).state === 'under way');
  return { state: { ...saved.whole, nodes: saved.nodes }, made: stage.made, left, kills };
}
