/** Carries out what was decided for an experiment: the one loop of the operator and of `chaosplane run`. */
import { withTargets, type TargetStatus } from '@chaosplane/api';
import { ChaosError, defined } from '@chaosplane/common/pure';
import type { Executor } from './executor.ts';
import { afterDryRun, type Preview } from './experiment/dry-run.ts';
import type { Decision, DryRun, Observation } from './experiment/observation.ts';
import { asTarget } from './experiment/selection-message.ts';
import type { Next, Ports } from './ports.ts';

/** Does the one thing; what it learns goes into the status and the memory of the ports. */
export async function carryOut(
  decision: Decision,
  observation: Pick<Observation, 'executions' | 'samples'>,
  ports: Ports,
): Promise<Next> {
  const { store, executor, injections, probes, clock } = ports;
  if (decision.kind !== 'probe') probes.stop();
  switch (decision.kind) {
    case 'advance':
      store.status = decision.status;
      return undefined;
    case 'inject':
      return injections.begin(decision.targets, decision.ttlMs);
    case 'extend':
      store.status = decision.status;
      // Status first: a new leader must know when the duration began, or it would start it again.
      await store.save();
      await executor.deadline?.extend(decision.executionIds, store.status.targets, decision.ttlMs);
      return undefined;
    case 'cancel':
      return cancel(decision.executionIds, ports);
    case 'probe':
      return probe(decision.side, ports);
    case 'preview': {
      const previews = await previewAll(decision.dryRun, executor);
      const { reasonOf, planRoom } = ports;
      const how = { now: clock.now(), reasonOf, ...defined({ planRoom }) };
      store.status = afterDryRun(store.status, decision.dryRun, previews, how);
      return undefined;
    }
    case 'wait':
      if (store.status.phase === 'Running' && store.status.effectiveAt === undefined)
        return injections.wait(decision.until);
      noteMeasured(observation, ports);
      if (store.status.phase === 'Running') await followPeers(ports);
      return { requeueAfterMs: Math.max(0, decision.until - clock.now()) };
    case 'done':
      return undefined;
  }
}

async function cancel(
  ids: readonly string[],
  {
    executor,
    store,
    memory,
    retryMs,
    onCancelled,
  }: Pick<Ports, 'executor' | 'store' | 'memory' | 'retryMs' | 'onCancelled'>,
): Promise<Next> {
  const asked = ids.toSorted().join(' ');
  const again = asked === memory.lastCancelled;
  memory.lastCancelled = asked;
  const ended = await executor.cancel(ids, store.status.targets);
  if (!again) onCancelled?.(ids.length);
  // What was answered and is still there is being undone by its daemon.
  return ended !== 'none' && !again ? undefined : { requeueAfterMs: retryMs };
}

async function probe(
  side: 'before' | 'after',
  { probes, memory, retryMs }: Pick<Ports, 'probes' | 'memory' | 'retryMs'>,
): Promise<Next> {
  const outcome = await probes.ask(side);
  if (outcome === undefined) return { requeueAfterMs: retryMs };
  memory[side] = outcome;
  // A steady state that is not back yet is asked for again in a moment.
  return side === 'after' && outcome.outcome !== 'pass' ? { requeueAfterMs: retryMs } : undefined;
}

/** What each target of a dry run would get, in their order; no more are asked at the same time than a real run would inject. */
async function previewAll(
  { spec, selection }: DryRun,
  executor: Pick<Executor, 'preview'>,
): Promise<readonly Preview[]> {
  const previews: Preview[] = [];
  const left = selection.chosen.entries();
  const worker = async (): Promise<void> => {
    for (const [index, candidate] of left)
      previews[index] = await executor.preview(asTarget(candidate)).then(
        (plan): Preview => ({ plan }),
        (error: unknown): Preview => ({ error }),
      );
  };
  await Promise.all(Array.from({ length: spec.execution.parallelism }, worker));
  return previews;
}

/** Pods with the peers' labels come and go while the faults are in force. What cannot be told is said once, and tried again. */
async function followPeers({
  executor: { peers },
  memory,
  store,
  onPeersLost,
}: Pick<Ports, 'executor' | 'memory' | 'store' | 'onPeersLost'>): Promise<void> {
  if (peers === undefined) return;
  try {
    const current = peers.current();
    if (current !== memory.peers && (await peers.follow(store.status.targets))) memory.peers = current;
  } catch (error) {
    if (!(error instanceof ChaosError)) throw error;
    if (memory.peers === error.message) return;
    memory.peers = error.message;
    onPeersLost?.(error.message);
  }
}

/** For people who watch, and for another leader: what the daemons and the probes measure while the faults are in force. */
function noteMeasured(
  { executions, samples }: Pick<Observation, 'executions' | 'samples'>,
  { clock, memory, store, evidenceMs }: Pick<Ports, 'clock' | 'memory' | 'store' | 'evidenceMs'>,
): void {
  if (clock.monotonic() - memory.evidenceAt < evidenceMs) return;
  memory.evidenceAt = clock.monotonic();
  const { status } = store;
  const changes = status.targets.flatMap(({ uid, executionId, evidence: known }): [string, Partial<TargetStatus>][] => {
    const evidence = executions.get(executionId ?? '')?.evidence;
    return evidence === undefined || JSON.stringify(evidence) === JSON.stringify(known) ? [] : [[uid, { evidence }]];
  });
  if (changes.length > 0) store.status = withTargets(store.status, new Map(changes));
  if (samples !== undefined && samples !== status.samples) store.status = { ...store.status, samples };
}
