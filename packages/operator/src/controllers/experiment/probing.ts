/** Probes go on between the visits to an experiment: one that waits for its answer holds up no worker, and no abort. */
import type { Probe } from '@chaosplane/api';
import type { ProbeOutcome } from '@chaosplane/lifecycle';
import { readObjects, readSecret, runProbes, type Prober } from '@chaosplane/probes';
import type { VisitMemory, Probing } from './memory.ts';
import type { ControllerParts } from './parts.ts';
import type { Visited } from './visit.ts';

/** What probes are asked with. */
export interface ProbingParts extends Pick<ControllerParts, 'client' | 'clock' | 'allowLocalProbes'> {
  readonly probes: readonly Probe[];
  readonly visited: Visited;
  readonly memory: VisitMemory;
  readonly signal: AbortSignal;
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

/** Ends probes that are still under way. */
export function stopProbing(memory: Pick<VisitMemory, 'probing'>): void {
  memory.probing?.stop();
  delete memory.probing;
}

function begin(side: Probing['side'], parts: ProbingParts): Probing {
  const { visited, probes, clock, client, allowLocalProbes: allowLocal } = parts;
  const life = new AbortController();
  const signal = AbortSignal.any([parts.signal, life.signal]);
  const { namespace } = visited;
  const secret: Prober['secret'] = (ref) => readSecret(client, { ...ref, namespace }, signal);
  // Who writes an experiment is asked for these rights in this namespace, and in no other: see admission.yaml of the chart.
  const objects: Prober['objects'] = (wanted, until) => readObjects(client, { ...wanted, namespace }, until);
  const done = runProbes(probes, { clock, signal, allowLocal, secret, objects });
  return { side, done, stop: () => life.abort() };
}
