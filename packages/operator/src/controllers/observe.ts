/** Gathers everything that is known of an experiment at one moment. */
import type { ExperimentStatus, Observation } from '@chaosplane/experiment';
import { refOf } from '@chaosplane/kube';
import { whyAbort } from '../api/resources.ts';
import { candidatesOf } from '../targets/candidates.ts';
import type { Run } from './run.ts';

/** How often an experiment that runs is looked at. */
const LOOK_AGAIN_MS = 2000;

/** Asks the daemons only when the answer matters. */
export async function observe(run: Run): Promise<Observation> {
  const { status, experiment, executor, memory, stored } = run;
  const { spec } = experiment;
  const abort = run.broken ?? whyAbort(stored.object) ?? whyAbortSince(run);
  return {
    spec,
    status,
    seed: seedOf(stored.object.metadata.uid ?? ''),
    candidates: status.phase === 'Pending' ? candidatesOf(run.pods.list(), spec) : [],
    executions: depends(status) ? await executor.observe(status.targets) : new Map(),
    lookAgainMs: LOOK_AGAIN_MS,
    ...(memory.before === undefined ? {} : { before: memory.before }),
    ...(memory.after === undefined ? {} : { after: memory.after }),
    ...(abort === undefined ? {} : { abort }),
  };
}

/** Whether the next decision depends on what the nodes say. */
function depends({ phase, effectiveAt }: ExperimentStatus): boolean {
  return phase === 'Completing' || phase === 'Recovering' || (phase === 'Running' && effectiveAt !== undefined);
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
