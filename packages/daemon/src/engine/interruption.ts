/** For how long no daemon ran, and whether faults were away meanwhile. */
import { formatDuration } from '@chaosplane/common';
import { isOfDriver, type ExecutionRecord } from '../journal/record.ts';
import type { RecordChange } from './executions.ts';
import type { EngineContext } from './context.ts';

/** How often a daemon that has something in force leaves a sign of life. */
const BEAT_EVERY_MS = 1000;

/** What they do is done by the daemon or by processes that end with it; all others leave it to the kernel, which goes on. */
const END_WITH_THE_DAEMON: ReadonlySet<string> = new Set(['queue', 'tap', 'proxy', 'stress-ng']);

/** What is noted of an execution that was active when the last daemon ended. */
export interface Interruption extends Pick<RecordChange, 'interruptedMs' | 'restoredAt'> {
  readonly note: string;
}

/**
 * Of an execution that is looked at `now`, whose deadline is or was `deadline`. `aliveAt`: the last sign of life of that daemon;
 * undefined when it left none. The gap is an upper bound, where the clock was not set: a daemon may have lived for a second after its
 * sign. What is after the deadline is no gap.
 */
export function interruptionOf(
  record: ExecutionRecord,
  { aliveAt, now, deadline }: { readonly aliveAt: number | undefined; readonly now: number; readonly deadline: number },
): Interruption {
  const until = new Date(now).toISOString();
  const restored = { restoredAt: now };
  if (aliveAt === undefined) return { ...restored, note: `no daemon ran for a while until ${until}` };
  // A daemon that ended while it swept has left no sign since it restored this one.
  const from = Math.max(aliveAt, record.activeAt ?? 0, record.restoredAt ?? 0);
  const gap = Math.round(Math.max(0, Math.min(now, deadline) - from));
  const note = `no daemon ran for up to ${formatDuration(Math.round(Math.max(0, now - from)))} until ${until}`;
  if (!endsWithTheDaemon(record)) return { ...restored, note };
  const interruptedMs = (record.interruptedMs ?? 0) + gap;
  return { ...restored, note: `${note}, and the fault was away`, interruptedMs };
}

/** A stressor that had ended before has nothing to be away. */
function endsWithTheDaemon(record: ExecutionRecord): boolean {
  if (isOfDriver(record, 'process') && record.work.ended !== undefined) return false;
  return END_WITH_THE_DAEMON.has(record.work.engine);
}

/** Leaves signs of life for as long as something is live. Returns what ends that, with a last one. */
export function startHeartbeat({ executions, clock, logger }: EngineContext): () => Promise<void> {
  const running = new AbortController();
  let silent = false;
  const beat = async (): Promise<void> => {
    if (executions.live().length === 0) return;
    try {
      await executions.beat(clock.now());
      silent = false;
    } catch (error) {
      if (!silent)
        logger.warn({ err: error }, 'no sign of life can be left: the next daemon will think that there was none');
      silent = true;
    }
  };
  const beating = (async () => {
    while (!running.signal.aborted) {
      await beat();
      await clock.sleep(BEAT_EVERY_MS, running.signal).catch(() => undefined);
    }
  })();
  return async () => {
    running.abort();
    await beating;
    await beat();
  };
}
