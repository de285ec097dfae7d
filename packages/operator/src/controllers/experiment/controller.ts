/** The controller of ChaosExperiments: observe, decide, carry out, report; again and again, until there is nothing to do for a while. */
import { isDeepStrictEqual } from 'node:util';
import {
  chaosExperiments,
  isFinal,
  parseExperiment,
  whyAbort,
  type ExperimentObject,
  type ExperimentSpec,
} from '@chaosplane/api';
import { ChaosError, defined } from '@chaosplane/common';
import { keyOf, refOfKey, type Reconciler } from '@chaosplane/kube';
import { carryOut, decide, type Next } from '@chaosplane/lifecycle';
import { createAdmission, type Admission } from './admission.ts';
import { specAsApplied } from './applied.ts';
import { finalize, type FinalizeParts } from './finalize.ts';
import { collectInjections } from './injecting.ts';
import { newVisitMemory, type VisitMemory } from './memory.ts';
import { observe, type ObserveParts } from './observe.ts';
import type { ControllerParts } from './parts.ts';
import { portsOf, type PortsParts } from './ports.ts';
import { stopProbing } from './probing.ts';
import { noteEntered, report } from './report.ts';
import { createStore, isUntouched, type Stored } from './store.ts';
import { createTimings } from './timings.ts';
import { experimentIdOf, type Visit, type Visited } from './visit.ts';

/** The reconciler of the work queue; keys are `namespace/name`. */
export function experimentReconciler(parts: ControllerParts): Reconciler {
  const { client, clock } = parts;
  const store = createStore(client, clock);
  const memories = new Map<string, VisitMemory>();
  const timings = createTimings(parts);
  const admission = createAdmission(parts.experimentsPerNamespace, parts.experiments);
  parts.experiments.onChange(({ type, object, previous = object }) => {
    const aborted = previous !== object && whyAbort(previous) === undefined && whyAbort(object) !== undefined;
    if (type === 'deleted' || aborted) memories.get(keyOf(object.metadata))?.calls.hurry();
  });
  parts.policies.onChange((keys) => {
    for (const key of keys) memories.get(key)?.calls.hurry();
  });
  return async (key, signal) => {
    const ref = refOfKey(key);
    const known = memories.get(key);
    const cached = parts.experiments.get(ref);
    const kept = unchanged(known, cached);
    // Otherwise not from the cache: decisions build on what was written last, whichever program wrote it. Of one that is new nothing
    // was, and the first write is refused if that is not so any more.
    const isNew = known === undefined && cached !== undefined && isUntouched(cached);
    const object = kept?.object ?? (isNew ? cached : await client.get(chaosExperiments, ref, { signal }));
    // A user may have taken its finalizer away, at any step of the experiment.
    if (known !== undefined && known.uid !== object?.metadata.uid) {
      forget(memories, key, admission);
      parts.policies.leave(key);
    }
    if (object === undefined) return undefined;
    const { uid = '' } = object.metadata;
    const memory = memories.get(key) ?? newVisitMemory(uid, { clock, wake: () => parts.wake(key) });
    memories.set(key, memory);
    // A visit that fails leaves nothing to go on from.
    delete memory.stored;
    const stored = kept ?? (await store.load(object, signal));
    const { visited, status } = examine(stored);
    const visit: Visit = { stored, status, savedAt: clock.monotonic(), entered: [] };
    const executor = parts.executorOf(visited.spec, visited.id, {
      signal,
      everywhere: stored.incomplete,
      calls: memory.calls,
      status: () => visit.status,
    });
    parts.policies.note(key, visited.spec, status);
    const next = await work(visit, { ...parts, visited, executor, store, memory, admission, timings, signal });
    memory.stored = visit.stored;
    parts.policies.note(key, visited.spec, visit.status);
    if (isFinal(visit.status)) forget(memories, key, admission);
    return next;
  };
}

/**
 * What the last visit left behind, when the API server has no other spec and no other status: users write metadata, such as an abort.
 * A write over what is older than what the API server has is refused.
 */
function unchanged(memory: VisitMemory | undefined, latest: ExperimentObject | undefined): Stored | undefined {
  const stored = memory?.stored;
  if (stored === undefined || stored.incomplete || latest === undefined) return undefined;
  const { metadata, spec, status } = stored.object;
  if (latest.metadata.uid !== metadata.uid) return undefined;
  if (latest.metadata.resourceVersion === metadata.resourceVersion) return stored;
  const isSame = isDeepStrictEqual([latest.spec, latest.status], [spec, status]);
  return isSame ? { ...stored, object: latest } : undefined;
}

function forget(memories: Map<string, VisitMemory>, key: string, admission: Admission): void {
  const memory = memories.get(key);
  admission.leave(memory?.uid ?? '');
  if (memory !== undefined) stopProbing(memory);
  memory?.sampling?.stop();
  memory?.calls.stop('');
  memories.delete(key);
}

/** One visit, until there is nothing to do for a while. */
async function work(visit: Visit, parts: ObserveParts & PortsParts & FinalizeParts): Promise<Next> {
  if (isFinal(visit.status)) return finalize(visit, parts);
  const ports = portsOf(visit, parts);
  for (;;) {
    parts.signal.throwIfAborted();
    visit.status = collectInjections(visit.status, parts);
    const observation = await observe(visit, parts);
    const decision = decide(observation, parts.clock.now());
    // Before anything is awaited: the next experiment is judged with it.
    if (decision.kind === 'advance')
      parts.policies.note(keyOf(visit.stored.object.metadata), parts.visited.spec, decision.status);
    // What is done builds on what is written.
    else await report(visit, false, parts);
    const next = await carryOut(decision, observation, ports);
    // The way to the first injection is short: where nothing is to be checked, this phase is written with the next one.
    if (decision.kind === 'advance' && visit.status.phase === 'SteadyStateChecking') noteEntered(visit);
    else await report(visit, next !== undefined, parts);
    if (isFinal(visit.status)) return finalize(visit, parts);
    if (next !== undefined) return next;
  }
}

/** What the API server let pass and cannot be understood: nothing is begun, and what runs already is recovered. */
function examine(stored: Stored): { readonly visited: Visited; readonly status: Visit['status'] } {
  const { object } = stored;
  const { apiVersion, kind, metadata } = object;
  const known = { id: experimentIdOf(object), namespace: metadata.namespace ?? '', key: keyOf(metadata) };
  try {
    const document = { apiVersion, kind, metadata, spec: specAsApplied(object) };
    const { spec } = parseExperiment(document, 'cluster');
    const { status, why } = trusted(stored, spec);
    return { visited: { ...known, spec, ...defined({ broken: why }) }, status };
  } catch (error) {
    if (!(error instanceof ChaosError)) throw error;
    return { visited: { ...known, spec: undefined, broken: error.message }, status: stored.status };
  }
}

/**
 * Who may write shards is not who may hit pods: the list of targets is taken at its word within the target's namespace only.
 * The operator never injected what else is in it, and does not recover it either.
 */
function trusted(
  { status, incomplete }: Stored,
  { target }: ExperimentSpec,
): { readonly status: Visit['status']; readonly why?: string } {
  const own = status.targets.filter(({ namespace }) => namespace === target.namespace);
  const honest = own.length === status.targets.length;
  if (honest && !incomplete) return { status };
  return {
    status: honest ? status : { ...status, targets: own },
    why: 'a user other than the operator changed its list of targets',
  };
}
