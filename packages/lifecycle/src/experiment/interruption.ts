/** For how long the faults of an experiment were away while no daemon ran. Pure. */
import { countOf, formatDuration } from '@chaosplane/common/pure';
import type { ExperimentStatus } from '@chaosplane/api';
import { TTL_MARGIN_MS } from './timing.ts';

/** Where faults were away for a greater part of their time, it is not known how a steady state would have stood all of it. */
const MOST_AWAY = 0.1;

/** That some were. */
export interface Interruption {
  /** Whether that is too much for a verdict. */
  readonly isLong: boolean;
  readonly message: string;
}

/** All targets together: one of ten that was never hit for long leaves nine that were. Undefined: none was away. */
export function interruptionOf(
  { targets, recoveringAt }: Pick<ExperimentStatus, 'targets' | 'recoveringAt'>,
  now: number,
): Interruption | undefined {
  const times = targets.flatMap(({ evidence, inForceMs, injectedAt }) => {
    if (injectedAt === undefined) return [];
    const awayMs = evidence?.counters['interrupted_ms'] ?? 0;
    // What a recovery that takes long adds to it is no part of the test; one that was left to its TTL has no end yet.
    const wantedMs = Math.max(0, (recoveringAt ?? now) - injectedAt);
    const totalMs = inForceMs === undefined ? wantedMs : Math.min(inForceMs + awayMs, wantedMs + TTL_MARGIN_MS);
    return [{ awayMs, totalMs }];
  });
  const away = times.filter(({ awayMs }) => awayMs > 0);
  if (away.length === 0) return undefined;
  const awayMs = away.reduce((sum, one) => sum + one.awayMs, 0);
  const totalMs = times.reduce((sum, one) => sum + one.totalMs, 0);
  const where = `on ${away.length} of ${countOf(times.length, 'target')}`;
  const [some, all] = [awayMs, totalMs].map((ms) => formatDuration(Math.round(ms / 100) * 100));
  const message = `no daemon ran ${where} for a while, and the fault was away for up to ${some} of ${all}`;
  return { isLong: awayMs > MOST_AWAY * totalMs, message };
}
