/** Probes go on between the visits to an experiment: one that waits for its answer holds up no worker, and no abort. */
import { isFinal, type ExperimentStatus, type Probe } from '@chaosplane/api';
import type { ProbeOutcome } from '@chaosplane/lifecycle';
import { isSampled, runProbes, startSampling, type Sampling } from '@chaosplane/probes';
import { proberIn, type ProberParts } from '../prober.ts';
import type { VisitMemory, Probing } from './memory.ts';
import type { ControllerParts } from './parts.ts';
import type { Visited } from './visit.ts';

/** What the probes of one side are asked with. */
export interface ProbingParts extends ProberParts {
  readonly visited: Pick<Visited, 'namespace'>;
  readonly signal: AbortSignal;
  readonly probes: readonly Probe[];
  readonly memory: VisitMemory;
}

/** What probes are asked with again and again. */
export interface SamplingParts extends ProberParts, Pick<ControllerParts, 'wake' | 'samples'> {
  readonly visited: Visited;
  readonly signal: AbortSignal;
  readonly memory: VisitMemory;
}

/** How long a visit waits for them: most answer at once. */
const PATIENCE_MS = 250;

/** The outcome of the probes of one side, begun now or by an earlier visit; undefined when they are still under way. */
export async function probed(side: Probing['side'], parts: ProbingParts): Promise<ProbeOutcome | undefined> {
  const { memory, clock, signal } = parts;
  if (memory.probing?.side !== side) {
    stopProbing(memory);
    memory.probing = begin(side, parts);
  }
  const outcome = await Promise.race([memory.probing.done, clock.sleep(PATIENCE_MS, signal).then(() => undefined)]);
  if (outcome !== undefined) delete memory.probing;
  return outcome;
}

/**
 * What is asked again and again, begun when the targets are chosen; undefined when there is nothing to ask. An operator that takes
 * over goes on from what is written down.
 */
export function sampling(status: ExperimentStatus, parts: SamplingParts): Sampling | undefined {
  const { visited, memory, wake, samples } = parts;
  const { spec } = visited;
  if (spec === undefined || !isSampled(spec) || status.phase === 'Pending' || isFinal(status)) return undefined;
  return (memory.sampling ??= startSampling(
    spec,
    { ...proberIn(visited.namespace, parts, parts.signal), admits: () => samples.take(visited.namespace) },
    {
      known: status.samples,
      onAbort() {
        memory.calls.hurry();
        wake(visited.key, 'urgent');
      },
    },
  ));
}

/** Ends probes that are still under way. */
export function stopProbing(memory: Pick<VisitMemory, 'probing'>): void {
  memory.probing?.stop();
  delete memory.probing;
}

function begin(side: Probing['side'], parts: ProbingParts): Probing {
  const life = new AbortController();
  const signal = AbortSignal.any([parts.signal, life.signal]);
  return {
    side,
    done: runProbes(parts.probes, proberIn(parts.visited.namespace, parts, signal)),
    stop: () => life.abort(),
  };
}
