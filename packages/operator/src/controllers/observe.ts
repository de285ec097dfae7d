/** Gathers everything that is known of an experiment at one moment. */
import { defined } from '@chaosplane/common';
import { TTL_MARGIN_MS, type Observation } from '@chaosplane/lifecycle';
import { type TargetStatus, whyAbort } from '@chaosplane/api';
import { refOf } from '@chaosplane/kube';
import { candidatesOf } from '../targets/candidates.ts';
import { EXPIRY_MARGIN_MS } from '../executors/executor.ts';
import { askingOf } from './injecting.ts';
import type { Run } from './run.ts';

/** How often an experiment that runs is looked at. */
const LOOK_AGAIN_MS = 2000;

/** Asks the daemons only when the answer matters. */
export async function observe(run: Run): Promise<Observation> {
  const { status, experiment, memory, stored } = run;
  const { spec } = experiment;
  const abort = run.broken ?? whyAbort(stored.object) ?? whyAbortSince(run);
  return {
    spec,
    status,
    seed: seedOf(stored.object.metadata.uid ?? ''),
    candidates:
      status.phase === 'Pending'
        ? candidatesOf(spec, { pods: () => run.pods.list(), nodes: () => run.nodes.list() })
        : [],
    executions: depends(run, abort) ? await executionsOf(run, status.targets) : new Map(),
    tried: memory.tried,
    asking: askingOf(run),
    lookAgainMs: LOOK_AGAIN_MS,
    ...defined({ before: memory.before, after: memory.after, abort }),
  };
}

/**
 * Every execution of the experiment. Deleting an experiment always ends: with it, an undo that fails counts no longer than
 * the fault can last. Without that, it is shown for as long as it fails.
 */
export async function executionsOf(run: Run, targets: readonly TargetStatus[]): Promise<Observation['executions']> {
  const { executor, clock, stored, status, experiment, logger, experimentId } = run;
  // What was measured last is worth a moment; an end is not put off for who is silent.
  const executions = await executor.observe(targets, status.phase === 'Recovering' ? 'some' : 'all');
  if (stored.object.metadata.deletionTimestamp === undefined) return executions;
  const { injectionTimeout, duration } = experiment.spec;
  const latest = (status.startedAt ?? clock.now()) + injectionTimeout + duration + TTL_MARGIN_MS;
  const deadlines = new Map(targets.map(({ executionId, expiresAt }) => [executionId, expiresAt]));
  const over = [...executions].filter(
    ([id, { live }]) => live && clock.now() > (deadlines.get(id) ?? latest) + EXPIRY_MARGIN_MS,
  );
  for (const [executionId, { error }] of over)
    logger.warn({ experiment: experimentId, executionId, err: error }, 'let go of after its deadline, not undone');
  const ended = { live: false, endReason: 'expired' };
  return new Map([...executions, ...over.map(([id, one]) => [id, { ...one, ...ended }] as const)]);
}

/** Whether the next decision depends on what the nodes say: an abort does not, and neither does the first cancel. */
function depends({ status, memory }: Run, abort: string | undefined): boolean {
  const { phase, effectiveAt, outcome, targets } = status;
  if (abort !== undefined && outcome?.phase !== 'Aborted') return false;
  if (phase === 'Recovering') return memory.asked !== '' || !targets.some(({ state }) => state === 'Injected');
  return phase === 'Completing' || (phase === 'Running' && effectiveAt !== undefined);
}

/** Somebody may have changed their mind since the experiment was read. */
function whyAbortSince({ experiments, stored }: Run): string | undefined {
  const latest = experiments.get(refOf(stored.object));
  return latest?.metadata.uid === stored.object.metadata.uid && latest !== undefined ? whyAbort(latest) : undefined;
}

/** The same for every operator that looks at this experiment. */
function seedOf(uid: string): number {
  return Number.parseInt(uid.replaceAll('-', '').slice(0, 7), 16) || 0;
}
