/** Probes go on between the visits to an experiment: one that waits for its answer holds up no worker, and no abort. */
import type { ProbeOutcome } from '@chaosplane/lifecycle';
import { runProbes, type Prober, readSecret } from '@chaosplane/probes';
import type { Memory, Run } from './run.ts';

/** The probes of one side, under way. */
export interface Probing {
  readonly side: 'before' | 'after';
  readonly done: Promise<ProbeOutcome>;
  stop(): void;
}

/** How long a visit waits for them: most answer at once. */
const PATIENCE_MS = 250;

/** The outcome of the probes of one side, begun now or by an earlier visit; undefined when they are still under way. */
export async function probed(run: Run, side: Probing['side']): Promise<ProbeOutcome | undefined> {
  const { memory, clock, signal } = run;
  if (memory.probing?.side !== side) {
    stopProbing(memory);
    memory.probing = begin(run, side);
  }
  const outcome = await Promise.race([memory.probing.done, clock.sleep(PATIENCE_MS, signal).then(() => undefined)]);
  if (outcome !== undefined) delete memory.probing;
  return outcome;
}

/** Nobody wants to know any more. */
export function stopProbing(memory: Memory): void {
  memory.probing?.stop();
  delete memory.probing;
}

function begin(run: Run, side: Probing['side']): Probing {
  const { experiment, clock, client, allowLocalProbes: allowLocal } = run;
  const life = new AbortController();
  const signal = AbortSignal.any([run.signal, life.signal]);
  const { namespace } = experiment.metadata;
  const secret: Prober['secret'] = (ref) => readSecret(client, { ...ref, namespace }, signal);
  const done = runProbes(experiment.spec.steadyState[side], { clock, signal, allowLocal, secret });
  return { side, done, stop: () => life.abort() };
}
