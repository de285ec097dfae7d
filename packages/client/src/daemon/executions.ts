/** What a daemon says of its executions, in the words of an experiment. */
import type { TargetEvidence } from '@chaosplane/api';
import { defined } from '@chaosplane/common';
import type { ObservedExecution } from '@chaosplane/lifecycle';
import { EndReason, ExecutionState, Verdict, type Evidence, type Execution } from '@chaosplane/proto';
import { cut } from './cut.ts';
import { LONGEST_REASON } from './errors.ts';

/** Whether something of the execution may still be on the node. */
export function isLive({ state }: Pick<Execution, 'state'>): boolean {
  return state !== ExecutionState.EXECUTION_STATE_ENDED;
}

/** `END_REASON_TARGET_GONE` → `target gone`. */
export function words(name: string, prefix: string): string {
  return name.replace(prefix, '').toLowerCase().replaceAll('_', ' ');
}

/** An execution, as the life of an experiment sees it. */
export function observed(execution: Execution): ObservedExecution {
  const reason = Object.entries(EndReason).find(([, value]) => value === execution.endReason)?.[0] ?? '';
  return {
    live: isLive(execution),
    endReason: words(reason, 'END_REASON_'),
    ...defined({ inForceMs: inForceMs(execution) }),
    ...(execution.error === '' ? {} : { error: cut(execution.error, LONGEST_REASON) }),
    ...(execution.evidence === undefined ? {} : { evidence: evidenceOf(execution.evidence) }),
  };
}

/** What happens once is in force at no time; and a fault is not while no daemon runs, where it is the daemon that does it. */
function inForceMs({ activeAt, endedAt, endReason, evidence }: Execution): number | undefined {
  if (activeAt === undefined || endedAt === undefined || endReason === EndReason.END_REASON_DONE) return undefined;
  return Math.max(0, endedAt.getTime() - activeAt.getTime() - Number(evidence?.counters['interrupted_ms'] ?? 0n));
}

/**
 * Evidence as an experiment's status has it: cut to what 500 targets of one shard have room for, and to numbers that the API
 * server takes, because a status that it refuses would hold up the recovery.
 */
export function evidenceOf(evidence: Evidence): TargetEvidence {
  const counters = Object.entries(evidence.counters).slice(0, MOST_COUNTERS);
  return {
    verdict: verdictOf(evidence.verdict),
    engine: cut(evidence.engine, 64),
    summary: cut(evidence.summary, LONGEST_TEXT),
    counters: Object.fromEntries(
      counters.map(([name, value]) => [cut(name, 64), Math.min(Number(value), Number.MAX_SAFE_INTEGER)]),
    ),
    notes: evidence.notes.slice(0, MOST_NOTES).map((note) => cut(note, LONGEST_TEXT)),
  };
}

const LONGEST_TEXT = 300;
const MOST_NOTES = 4;
const MOST_COUNTERS = 8;

function verdictOf(verdict: Verdict): TargetEvidence['verdict'] {
  switch (verdict) {
    case Verdict.VERDICT_VERIFIED:
      return 'Verified';
    case Verdict.VERDICT_NO_TRAFFIC:
      return 'NoTraffic';
    case Verdict.VERDICT_NOT_OBSERVED:
      return 'NotObserved';
    default:
      return 'Unknown';
  }
}
