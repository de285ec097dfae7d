/** One visit to a workflow: turn after turn, what it asks for is done and what has changed is written, until there is nothing to do for a while. */
import pMap from 'p-map';
import {
  chaosExperiments,
  initialWorkflow,
  isWorkflowOver,
  resumedSteps,
  stateOf,
  stepExperimentName,
  stepOfExperiment,
  whyAbort,
  type WorkflowState,
} from '@chaosplane/api';
import { defined } from '@chaosplane/common';
import { refOfKey } from '@chaosplane/kube';
import {
  attemptOf,
  stepOf,
  workflowVerdict,
  type Effect,
  type Seen,
  type SeenExperiment,
  type Turn,
} from '@chaosplane/lifecycle';
import { askProbe } from './asking.ts';
import {
  dropChild,
  endChild,
  isNoted,
  isOver,
  makeChild,
  refreshChildren,
  releaseChild,
  seenChild,
  type Maker,
} from './children.ts';
import type { Broken, Opened, Run } from './opened.ts';
import type { VisitParts } from './parts.ts';
import { saveSteps, saveWhole } from './store.ts';
import { linesOf, tellPhase, tellSteps } from './tell.ts';

/** So many requests to the API server are under way for one workflow. */
const AT_ONCE = 10;

/** Resolves with when it is to be visited again, in milliseconds since the epoch, if nothing is seen before. */
export async function visitRun(opened: Opened, run: Run, parts: VisitParts): Promise<number | undefined> {
  const { memory, clock, signal } = parts;
  const { flow } = run;
  let turn: Turn | undefined;
  for (let goesOn = true; goesOn && !isWorkflowOver(flow.state);) {
    signal.throwIfAborted();
    refresh(opened, parts);
    const before = flow.state.phase;
    turn = flow.turn(seenBy(opened, run, parts), clock.now());
    const done = await pMap(turn.effects, (effect) => perform(effect, opened, run, parts), { concurrency: AT_ONCE });
    await save(turn, before, opened, run, parts);
    goesOn = turn.changed.size > 0 || turn.wholeChanged || done.includes(true);
  }
  for (const key of memory.answers.keys()) {
    const { id, attempt } = stepOf(key);
    if (isNoted(stateOf(flow.state, id), attempt)) memory.answers.delete(key);
  }
  return turn?.until;
}

/** Takes over what the copy knows. One that it had and has no more is gone, or was taken away. */
export function refresh({ children, copied, stored, run }: Opened, { memory, childrenOf }: VisitParts): void {
  const copy = childrenOf(memory.uid);
  const own = copy.filter((object) => stepOfExperiment(stored.object, object) !== undefined);
  const there = new Set(own.map(({ metadata }) => metadata.uid ?? ''));
  refreshChildren(children, makerOf({ stored, run }), copy);
  for (const [key, { metadata }] of children) {
    const { uid = '' } = metadata;
    if (there.has(uid)) copied.add(uid);
    else if (copied.has(uid)) children.delete(key);
  }
}

const makerOf = ({ stored, run }: Pick<Opened, 'stored' | 'run'>): Maker => ({
  object: stored.object,
  graph: 'broken' in run ? undefined : run.graph,
});

function seenBy({ children, stored }: Opened, { evaluate }: Run, { memory }: VisitParts): Seen {
  const experiments = new Map<string, SeenExperiment>();
  for (const [key, message] of memory.refused)
    experiments.set(key, { state: 'over', failed: true, wasEnded: false, message, result: {} });
  for (const [key, object] of children) experiments.set(key, seenChild(object));
  for (const key of memory.gone) if (!experiments.has(key)) experiments.set(key, { state: 'gone' });
  const { deletionTimestamp } = stored.object.metadata;
  const wish = deletionTimestamp !== undefined ? 'delete' : whyAbort(stored.object) === undefined ? 'none' : 'abort';
  return { experiments, answers: memory.answers, resumed: resumedSteps(stored.object), wish, evaluate };
}

/** Whether there is something else to see then. */
async function perform(effect: Effect, opened: Opened, { graph }: Run, parts: VisitParts): Promise<boolean> {
  const { kind, id, attempt } = effect;
  const { client, memory, signal } = parts;
  const { children, stored } = opened;
  const key = attemptOf(id, attempt);
  const step = graph.nodes.get(id)?.step;
  switch (kind) {
    case 'create': {
      if (step?.kind !== 'experiment') return false;
      const made = await makeChild({ object: stored.object, graph }, { id, attempt }, step.document, parts);
      if ('refused' in made) memory.refused.set(key, made.refused);
      else children.set(key, made);
      return true;
    }
    case 'look': {
      const name = stepExperimentName(stored.object, id, attempt);
      const object = await client.get(chaosExperiments, { ...refOfKey(parts.key), name }, { signal });
      if (object !== undefined && stepOfExperiment(stored.object, object) !== undefined) children.set(key, object);
      else {
        if (object !== undefined) await dropChild(object, parts);
        memory.gone.add(key);
      }
      return true;
    }
    case 'end': {
      const child = children.get(key);
      if (child === undefined || (await endChild(child, parts))) return false;
      children.delete(key);
      memory.gone.add(key);
      return true;
    }
    case 'ask':
      if (step?.kind === 'probe') askProbe({ id, attempt }, step.probe, parts);
      return false;
  }
}

/** The steps in their order, and the whole last. */
async function save(
  { changed, wholeChanged }: Turn,
  before: WorkflowState['phase'],
  opened: Opened,
  run: Run,
  parts: VisitParts,
): Promise<void> {
  if (changed.size === 0 && !wholeChanged) return;
  const { client, clock, signal } = parts;
  const { state } = run.flow;
  opened.stored = await saveSteps(client, opened.stored, changed, run.numbers, signal);
  tellSteps(opened.stored, changed, parts);
  const context = {
    now: clock.now(),
    steps: run.graph.nodes.size,
    lines: linesOf(run.graph, state),
    verdict: workflowVerdict(run.graph, state),
  };
  opened.past.add(opened.stored.object.metadata.resourceVersion ?? '');
  opened.stored = await saveWhole(client, opened.stored, state, context, signal);
  tellPhase(before, state, opened.stored, parts);
}

/**
 * Ends experiments of steps that are over already, and lets go of those that are noted; of a workflow that is over, of all.
 * @returns Whether none is left that is under way.
 */
export async function tidy(opened: Opened, state: WorkflowState, parts: VisitParts): Promise<boolean> {
  const all = [...opened.children].map(([key, object]) => ({ object, ...stepOf(key) }));
  const noted = all.filter(({ id, attempt }) => isWorkflowOver(state) || isNoted(stateOf(state, id), attempt));
  const letGo = async ({ object }: (typeof all)[number]): Promise<unknown> =>
    isOver(object) ? releaseChild(object, parts) : endChild(object, parts);
  await pMap(noted, letGo, { concurrency: AT_ONCE });
  return noted.every(({ object }) => isOver(object));
}

/** Ends one that cannot go on: what is in force recovers, and it has failed. Resolves with whether that is done. */
export async function visitBroken(opened: Opened, run: Broken, parts: VisitParts): Promise<boolean> {
  refresh(opened, parts);
  const { children, stored } = opened;
  const under = [...children].filter(([, object]) => !isOver(object));
  const there = await pMap(under, ([, object]) => endChild(object, parts), { concurrency: AT_ONCE });
  under.forEach(([key], index) => there[index] === true || children.delete(key));
  const isLeft = there.includes(true);
  const { phase = 'Pending' } = stored.object.status ?? {};
  if (!isWorkflowOver({ phase }) && phase !== (isLeft ? 'Ending' : 'Failed'))
    await saveBroken(opened, run, isLeft, parts);
  if (isLeft) return false;
  await pMap(children.values(), (object) => releaseChild(object, parts), { concurrency: AT_ONCE });
  return true;
}

async function saveBroken(
  opened: Opened,
  { broken: message, reason }: Broken,
  isLeft: boolean,
  parts: VisitParts,
): Promise<void> {
  const { client, clock, signal } = parts;
  const { status } = opened.stored.object;
  const state: WorkflowState = {
    ...initialWorkflow,
    phase: isLeft ? 'Ending' : 'Failed',
    outcome: { phase: 'Failed', message, order: 'at once' },
    ...defined({
      startedAt: status?.startedAt === undefined ? undefined : Date.parse(status.startedAt),
      endedAt: isLeft ? undefined : clock.now(),
    }),
  };
  const kept = defined({ progress: status?.progress, counts: status?.counts });
  const context = { now: clock.now(), steps: 0, lines: status?.steps ?? [], verdict: status?.verdict, reason, kept };
  opened.past.add(opened.stored.object.metadata.resourceVersion ?? '');
  opened.stored = await saveWhole(client, opened.stored, state, context, signal);
  tellPhase(status?.phase ?? 'Pending', state, opened.stored, parts);
}
