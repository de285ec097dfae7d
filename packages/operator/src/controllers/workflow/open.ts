/** A workflow as its controller holds it: understood, with everything that was written of it, and ready to go on. */
import {
  chaosWorkflows,
  FINALIZER,
  isWorkflowOver,
  parseWorkflow,
  type WorkflowObject,
  type WorkflowState,
} from '@chaosplane/api';
import { ChaosError, defined } from '@chaosplane/common';
import { addFinalizer } from '@chaosplane/kube';
import { denials, evaluatorOf, graphOf, openWorkflow, toldOf } from '@chaosplane/lifecycle';
import { workflowAsApplied } from '../experiment/applied.ts';
import { readChildren } from './children.ts';
import type { Broken, Opened, Run } from './opened.ts';
import type { VisitParts } from './parts.ts';
import { loadWorkflow, saveWhole, shardNumbers, type StoredWorkflow } from './store.ts';
import { linesOf, tellPhase } from './tell.ts';

/** Reads everything, and takes hold of one that is to go on: it may have experiments, so the API server must not forget it. */
export async function openStored(found: WorkflowObject, parts: VisitParts): Promise<Opened> {
  const { client, signal } = parts;
  const fresh = asNew(found);
  const examined = examine(fresh);
  const isNew = fresh.status?.phase === undefined || fresh.status.phase === 'Pending';
  if (isNew && 'broken' in examined)
    return { stored: { object: fresh, shards: new Map() }, ...newCopies(), children: new Map(), run: examined };
  const isHeld =
    fresh.metadata.deletionTimestamp !== undefined || isWorkflowOver({ phase: fresh.status?.phase ?? 'Pending' });
  const object = isHeld ? fresh : asNew(await addFinalizer(client, chaosWorkflows, fresh, FINALIZER, signal), found);
  const { stored, state, incomplete } = await loadWorkflow(client, object, signal);
  const graph = 'broken' in examined ? undefined : examined.graph;
  const rest = { stored, children: await readChildren({ object, graph }, parts), ...newCopies() };
  if ('broken' in examined) return { ...rest, run: examined };
  if (incomplete) {
    const broken = 'what was written of its steps was changed or deleted';
    return { ...rest, run: { broken, reason: 'StepsLost' } };
  }
  const denied = state.phase === 'Pending' && rest.children.size === 0 ? await whyDenied(object, examined, parts) : '';
  if (denied !== '') return { ...rest, run: { broken: denied, reason: 'PolicyDenied' } };
  if (state.phase !== 'Pending') return { ...rest, run: runOf(examined, state) };
  rest.past.add(stored.object.metadata.resourceVersion ?? '');
  const begun: WorkflowState = { ...state, phase: 'Running', startedAt: parts.clock.now() };
  return { ...rest, stored: await saveBegun(stored, examined, begun, parts), run: runOf(examined, begun) };
}

/** Before there is anything of a workflow, it is written that it has begun: its spec cannot be changed from then on. */
async function saveBegun(
  stored: StoredWorkflow,
  { graph }: Examined,
  state: WorkflowState,
  parts: VisitParts,
): Promise<StoredWorkflow> {
  const { client, clock, signal } = parts;
  const context = { now: clock.now(), steps: graph.nodes.size, lines: linesOf(graph, state), verdict: undefined };
  const saved = await saveWhole(client, stored, state, context, signal);
  tellPhase('Pending', state, saved, parts);
  return saved;
}

function runOf({ spec, graph }: Examined, state: WorkflowState): Run {
  const limits = { maxParallelism: spec.maxParallelism, ...defined({ deadlineMs: spec.deadline }) };
  const flow = openWorkflow(graph, state, limits);
  const evaluate = evaluatorOf(graph, () => flow.state);
  return { spec, graph, flow, numbers: shardNumbers(graph.nodes.keys()), evaluate };
}

/** How long policies may be asked about all steps together. Each experiment is judged again when it begins. Milliseconds. */
const PATIENCE_MS = 10_000;

/** What the policies have against the workflow as a whole; empty where nothing is, or that cannot be said. */
async function whyDenied(
  object: WorkflowObject,
  { graph, spec }: Examined,
  { foresee, events, logger, signal, key }: VisitParts,
): Promise<string> {
  try {
    const patience = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
    const findings = (await foresee(graph, spec.maxParallelism, patience)) ?? [];
    const against = denials(findings);
    if (against.length > 0) return toldOf(against);
    for (const finding of findings) {
      const message = toldOf([finding]);
      logger.warn({ workflow: key, reason: message }, 'policy audited');
      events.record(object, { type: 'Warning', reason: 'PolicyAudit', action: 'Reconcile', message });
    }
  } catch (error) {
    signal.throwIfAborted();
    logger.warn({ err: error, workflow: key }, 'policies did not judge the workflow as a whole');
  }
  return '';
}

const newCopies = (): Pick<Opened, 'past' | 'copied'> => ({ past: new Set(), copied: new Set() });

/** One that is understood. */
type Examined = Pick<Run, 'spec' | 'graph'>;

/** What the API server let pass and cannot be understood. */
function examine(object: WorkflowObject): Examined | Broken {
  const { apiVersion, kind, metadata } = object;
  const { name, namespace } = metadata;
  try {
    const document = { apiVersion, kind, metadata: { name, namespace }, spec: workflowAsApplied(object) };
    const { spec } = parseWorkflow(document, 'cluster');
    return { spec, graph: graphOf(spec.steps, spec.onExit) };
  } catch (error) {
    if (!(error instanceof ChaosError)) throw error;
    return { broken: error.message, reason: 'InvalidSpec' };
  }
}

/** One that failed before it began, and whose spec was corrected since, is as new: nothing of it was ever anywhere. */
function asNew(object: WorkflowObject, { status, metadata }: WorkflowObject = object): WorkflowObject {
  const failed = status?.phase === 'Failed' && status.startedAt === undefined;
  if (!failed || (metadata.generation ?? 0) <= (status.observedGeneration ?? Infinity)) return object;
  const { status: _over, ...fresh } = object;
  return fresh;
}
