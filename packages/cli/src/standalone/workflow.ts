/** Runs a workflow on this machine: what is seen, what is decided, what is done, until it is over. Its state is in memory alone. */
import {
  initialWorkflow,
  isWorkflowOver,
  type ChaosExperiment,
  type ChaosWorkflow,
  type ExperimentStatus,
  type Probe,
  type WorkflowState,
} from '@chaosplane/api';
import { reasonOf } from '@chaosplane/client';
import { defined, type Clock } from '@chaosplane/common';
import {
  attemptOf,
  evaluatorOf,
  graphOf,
  openWorkflow,
  seenExperimentOf,
  type Effect,
  type Graph,
  type ProbeAnswer,
  type SeenExperiment,
} from '@chaosplane/lifecycle';
import { experimentOfStep } from '../workflow/step.ts';

/** What a workflow is run with. */
export interface WorkflowParts {
  readonly workflow: ChaosWorkflow;
  readonly clock: Clock;
  /** Ends it: what is in force recovers, and onExit is done. */
  readonly abort: AbortSignal;
  /** Runs an experiment of it; resolves with its final status. */
  run(experiment: ChaosExperiment, abort: AbortSignal): Promise<ExperimentStatus>;
  ask(probe: Probe): Promise<ProbeAnswer>;
  /** Resolves when a step that is suspended is to go on. */
  resumed(id: string): Promise<void>;
  onState(state: WorkflowState): void;
}

/** How it ended. */
export interface EndedWorkflow {
  readonly graph: Graph;
  readonly state: WorkflowState;
  /** The final status of the last experiment of each step. */
  readonly experiments: ReadonlyMap<string, ExperimentStatus>;
}

/** What is known of the outside, and what is under way there. */
interface Running {
  readonly seen: Map<string, SeenExperiment>;
  readonly answers: Map<string, ProbeAnswer>;
  readonly resumed: Set<string>;
  readonly ends: Map<string, AbortController>;
  readonly experiments: Map<string, ExperimentStatus>;
  /** What was asked already. */
  readonly asked: Set<string>;
  /** Wakes the loop. */
  news: PromiseWithResolvers<undefined>;
}

/** Resolves when everything is over, onExit included. */
export async function runWorkflow(parts: WorkflowParts): Promise<EndedWorkflow> {
  const { workflow, clock, abort, onState } = parts;
  const { steps, onExit, maxParallelism, deadline } = workflow.spec;
  const graph = graphOf(steps, onExit);
  const flow = openWorkflow(graph, initialWorkflow, { maxParallelism, ...defined({ deadlineMs: deadline }) });
  const evaluate = evaluatorOf(graph, () => flow.state);
  const running: Running = {
    ...{ seen: new Map(), answers: new Map(), resumed: new Set(), ends: new Map(), experiments: new Map() },
    ...{ asked: new Set(), news: Promise.withResolvers() },
  };
  const wake = (): void => running.news.resolve(undefined);
  abort.addEventListener('abort', wake);
  try {
    for (;;) {
      running.news = Promise.withResolvers();
      const { seen, answers, resumed } = running;
      const wish = abort.aborted ? 'abort' : 'none';
      const turn = flow.turn({ experiments: seen, answers, resumed, wish, evaluate }, clock.now());
      for (const effect of turn.effects) perform(effect, graph, running, parts);
      waitForPeople(flow.state, graph, running, parts);
      onState(flow.state);
      if (isWorkflowOver(flow.state)) return { graph, state: flow.state, experiments: running.experiments };
      await untilNews(running, turn.until, clock);
    }
  } finally {
    abort.removeEventListener('abort', wake);
  }
}

async function untilNews({ news }: Running, until: number | undefined, clock: Clock): Promise<void> {
  if (until === undefined) {
    await news.promise;
    return;
  }
  const over = new AbortController();
  const sleep = clock.sleep(Math.max(0, until - clock.now()), over.signal).catch(() => undefined);
  await Promise.race([news.promise, sleep]);
  over.abort();
}

function perform({ kind, id, attempt }: Effect, graph: Graph, running: Running, parts: WorkflowParts): void {
  const key = attemptOf(id, attempt);
  const step = graph.nodes.get(id)?.step;
  const told = (note: () => void): void => {
    note();
    running.news.resolve(undefined);
  };
  if (kind === 'end') running.ends.get(key)?.abort(new Error('the workflow ended it'));
  else if (kind === 'create' && step?.kind === 'experiment') {
    const ends = new AbortController();
    running.ends.set(key, ends);
    running.seen.set(key, { state: 'under way' });
    void parts.run(experimentOfStep(parts.workflow, id, step.document, 'machine').experiment, ends.signal).then(
      (status) =>
        told(() => {
          running.experiments.set(id, status);
          running.seen.set(key, seenExperimentOf(status));
        }),
      (error: unknown) => told(() => running.seen.set(key, failedWith(error))),
    );
  } else if (kind === 'ask' && step?.kind === 'probe' && !running.asked.has(key)) {
    running.asked.add(key);
    void parts.ask(step.probe).then(
      (answer) => told(() => running.answers.set(key, answer)),
      (error: unknown) => told(() => running.answers.set(key, { passed: false, message: reasonOf(error) })),
    );
  }
}

/** A step that waits for people is told to them once. */
function waitForPeople({ nodes }: WorkflowState, graph: Graph, running: Running, { resumed }: WorkflowParts): void {
  for (const [id, { phase }] of nodes) {
    if (phase !== 'Running' || graph.nodes.get(id)?.step.kind !== 'suspend' || running.asked.has(id)) continue;
    running.asked.add(id);
    void resumed(id).then(() => {
      running.resumed.add(id);
      running.news.resolve(undefined);
    });
  }
}

function failedWith(error: unknown): SeenExperiment {
  return { state: 'over', failed: true, wasEnded: false, message: reasonOf(error), result: {} };
}
