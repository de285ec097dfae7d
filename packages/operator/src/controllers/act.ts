/** Does the one thing that was decided for an experiment. */
import { ChaosError } from '@chaosplane/common';
import { withTargets, type TargetStatus } from '@chaosplane/api';
import type { Decision, Observation } from '@chaosplane/lifecycle';
import { PATIENCE_MS } from '../daemons/silence.ts';
import { awaitInjections, beginInjections } from './injecting.ts';
import { probed, stopProbing } from './probing.ts';
import { report } from './report.ts';
import type { Next, Run } from './run.ts';

/** How long to wait before something that did not succeed is tried again. */
const RETRY_MS = 1000;

/** A visit that has heard nothing for so long is left, at most once in a while. */
const QUIET_MS = 100;

/** How often what was measured is written down. */
const EVIDENCE_MS = 5000;

/** Carries out a decision; what it learns goes into the run's status. Undefined: go on at once. */
export async function act(run: Run, decision: Decision, { executions }: Observation): Promise<Next> {
  const { clock, executor } = run;
  if (decision.kind !== 'probe') stopProbing(run.memory);
  switch (decision.kind) {
    case 'advance':
      run.status = decision.status;
      return undefined;
    case 'inject':
      beginInjections(run, decision.targets, decision.ttlMs);
      await awaitInjections(run, QUIET_MS);
      return undefined;
    case 'extend':
      run.status = decision.status;
      // First, because the deadlines move nearer: an heir that did not know since when would begin the duration anew.
      await report(run, true);
      await executor.extend(decision.executionIds, run.status.targets, decision.ttlMs);
      return undefined;
    case 'cancel':
      return cancel(run, decision.executionIds);
    case 'probe':
      return probe(run, decision.side);
    case 'wait':
      if (run.status.effectiveAt === undefined) return bringUp(run, decision.until);
      noteEvidence(run, executions);
      if (run.status.phase === 'Running') await followPeers(run);
      return { requeueAfterMs: Math.max(0, decision.until - clock.now()) };
    case 'done':
      return undefined;
  }
}

/** Goes on as soon as something is known; leaves when nothing comes, so that what is known is written down. */
async function bringUp(run: Run, until: number): Promise<Next> {
  const { clock, memory } = run;
  const left = clock.monotonic() - memory.leftAt;
  if (await awaitInjections(run, Math.max(QUIET_MS, Math.min(PATIENCE_MS, PATIENCE_MS - left)))) return undefined;
  memory.leftAt = clock.monotonic();
  return { requeueAfterMs: Math.max(0, Math.min(RETRY_MS, until - clock.now())) };
}

async function cancel({ executor, logger, experimentId, memory, status }: Run, ids: readonly string[]): Promise<Next> {
  const asked = ids.toSorted().join(' ');
  const again = asked === memory.asked;
  memory.asked = asked;
  const ended = await executor.cancel(ids, status.targets);
  if (!again) logger.info({ experiment: experimentId, executions: ids.length }, 'recovery asked for');
  // What was answered and is still there is being undone by its daemon.
  return ended !== 'none' && !again ? undefined : { requeueAfterMs: RETRY_MS };
}

async function probe(run: Run, side: 'before' | 'after'): Promise<Next> {
  const outcome = await probed(run, side);
  if (outcome === undefined) return { requeueAfterMs: RETRY_MS };
  run.memory[side] = outcome;
  // A steady state that is not back yet is asked for again in a moment.
  return side === 'after' && !outcome.passed ? { requeueAfterMs: RETRY_MS } : undefined;
}

/** Pods with the peers' labels come and go while the faults are in force. What cannot be told is said once, and tried again. */
async function followPeers({ executor, memory, status, events, stored }: Run): Promise<void> {
  try {
    const peers = executor.peersNow();
    if (peers !== undefined && peers !== memory.peers && (await executor.follow(status.targets))) memory.peers = peers;
  } catch (error) {
    if (!(error instanceof ChaosError)) throw error;
    if (memory.peers === error.message) return;
    memory.peers = error.message;
    const message = `the peers stay as they were: ${error.message}`;
    events.record(stored.object, { type: 'Warning', reason: 'PeersNotFollowed', action: 'Follow', message });
  }
}

/** For people who watch: what the daemons measure while the faults are in force. */
function noteEvidence(run: Run, executions: Observation['executions']): void {
  const { clock, memory, status } = run;
  if (executions.size === 0 || clock.monotonic() - memory.evidenceAt < EVIDENCE_MS) return;
  memory.evidenceAt = clock.monotonic();
  const changes = status.targets.flatMap(({ uid, executionId, evidence: known }): [string, Partial<TargetStatus>][] => {
    const evidence = executions.get(executionId ?? '')?.evidence;
    return evidence === undefined || JSON.stringify(evidence) === JSON.stringify(known) ? [] : [[uid, { evidence }]];
  });
  if (changes.length > 0) run.status = withTargets(status, new Map(changes));
}
