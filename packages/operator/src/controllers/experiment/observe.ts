/** Gathers everything that is known of an experiment at one moment. */
import { whyAbort, type ExperimentStatus, type TargetStatus } from '@chaosplane/api';
import { defined } from '@chaosplane/common';
import { keyOf, refOf } from '@chaosplane/kube';
import {
  choosesTargets,
  TTL_MARGIN_MS,
  unknownSpec,
  type Executor,
  type Observation,
  type Refusal,
} from '@chaosplane/lifecycle';
import { EXPIRY_MARGIN_MS } from '../../executors/expiry.ts';
import { candidatesOf } from '../../targets/candidates.ts';
import type { Admission } from './admission.ts';
import { askingOf } from './injecting.ts';
import type { VisitMemory } from './memory.ts';
import type { ControllerParts } from './parts.ts';
import { sampling, type SamplingParts } from './probing.ts';
import type { Visit, Visited } from './visit.ts';

/** What executions are looked for with. */
export interface ExecutionsParts extends Pick<ControllerParts, 'clock' | 'logger'> {
  readonly visited: Visited;
  readonly executor: Executor;
}

/** What an observation is made with. */
export interface ObserveParts
  extends
    ExecutionsParts,
    Omit<SamplingParts, 'visited'>,
    Pick<ControllerParts, 'pods' | 'nodes' | 'experiments' | 'policies'> {
  readonly memory: VisitMemory;
  readonly admission: Admission;
}

/** How often an experiment that runs is looked at. */
const LOOK_AGAIN_MS = 2000;

/** Asks the daemons only when the answer matters. */
export async function observe(visit: Readonly<Visit>, parts: ObserveParts): Promise<Observation> {
  const { status, stored } = visit;
  const { visited, memory, pods, nodes, policies } = parts;
  const { spec, broken, namespace } = visited;
  const pending = status.phase === 'Pending';
  const sampled = sampling(status, parts);
  const abort = broken ?? whyAbort(stored.object) ?? whyAbortSince(visit, parts) ?? sampled?.abortOf(status);
  return {
    spec,
    status,
    home: namespace,
    seed: seedOf(stored.object.metadata.uid ?? ''),
    candidates:
      spec !== undefined && choosesTargets(spec, status)
        ? candidatesOf(spec, { pods: () => pods.list(), nodes: () => nodes.list() })
        : [],
    executions: depends(status, memory, abort) ? await executionsOf(visit, status.targets, parts) : new Map(),
    tried: memory.tried,
    asking: askingOf(status, parts),
    lookAgainMs: LOOK_AGAIN_MS,
    policy: policies.inputFor(keyOf(stored.object.metadata)),
    ...defined({
      before: memory.before,
      after: memory.after,
      abort,
      samples: sampled?.collect(status),
      guarded: sampled?.isGuarded,
      refusal: pending ? refusalOf(visit, parts) : undefined,
    }),
  };
}

/** A dry run takes no place of the others. */
function refusalOf(
  { stored }: Readonly<Visit>,
  { visited: { spec, broken }, admission }: Pick<ObserveParts, 'visited' | 'admission'>,
): Refusal | undefined {
  if (broken !== undefined) return { reason: 'InvalidSpec', message: broken };
  const full = spec?.execution.dryRun === true ? undefined : admission.admit(stored.object);
  return full === undefined ? undefined : { reason: 'TooManyExperiments', message: full };
}

/**
 * Every execution of the experiment. Deleting an experiment always ends: with it, an undo that fails counts no longer than
 * the fault can last. Without that, it is shown for as long as it fails. What nothing but its undo ends is waited for.
 */
export async function executionsOf(
  { stored, status }: Readonly<Visit>,
  targets: readonly TargetStatus[],
  { executor, clock, logger, visited }: ExecutionsParts,
): Promise<Observation['executions']> {
  // What was measured last is worth a moment; an end is not put off for nodes that are silent.
  const executions = await executor.observe(targets, status.phase === 'Recovering' ? 'some' : 'all');
  if (stored.object.metadata.deletionTimestamp === undefined) return executions;
  const { injectionTimeout, duration } = visited.spec ?? unknownSpec;
  const latest = (status.startedAt ?? clock.now()) + injectionTimeout + duration + TTL_MARGIN_MS;
  const deadlines = new Map(targets.map(({ executionId, expiresAt }) => [executionId, expiresAt]));
  const over = [...executions].filter(
    ([id, { live, lasting = false }]) =>
      live && !lasting && clock.now() > (deadlines.get(id) ?? latest) + EXPIRY_MARGIN_MS,
  );
  for (const [executionId, { error }] of over)
    logger.warn({ experiment: visited.id, executionId, err: error }, 'let go of after its deadline, not undone');
  const ended = { live: false, endReason: 'expired' };
  return new Map([...executions, ...over.map(([id, one]) => [id, { ...one, ...ended }] as const)]);
}

/** Whether the next decision depends on what the nodes say: an abort does not, and neither does the first cancel. */
function depends(status: ExperimentStatus, memory: VisitMemory, abort: string | undefined): boolean {
  const { phase, effectiveAt, outcome, targets } = status;
  if (abort !== undefined && outcome?.phase !== 'Aborted') return false;
  if (phase === 'Recovering') return memory.lastCancelled !== '' || !targets.some(({ state }) => state === 'Injected');
  return phase === 'Completing' || (phase === 'Running' && effectiveAt !== undefined);
}

/** An abort may have come since the experiment was read. */
function whyAbortSince(
  { stored }: Readonly<Visit>,
  { experiments }: Pick<ControllerParts, 'experiments'>,
): string | undefined {
  const latest = experiments.get(refOf(stored.object));
  return latest?.metadata.uid === stored.object.metadata.uid && latest !== undefined ? whyAbort(latest) : undefined;
}

/** The same for every operator that looks at this experiment. */
function seedOf(uid: string): number {
  return Number.parseInt(uid.replaceAll('-', '').slice(0, 7), 16) || 0;
}
