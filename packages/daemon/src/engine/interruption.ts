/** For how long no daemon ran, and whether faults were away meanwhile. */
import { formatDuration } from '@chaosplane/common';
import type { ExecutionRecord } from '../journal/record.ts';
import type { RecordChange } from './executions.ts';
import type { EngineContext } from './context.ts';

/** How often a daemon that has something in force leaves a sign of life. */
const BEAT_EVERY_MS = 1000;

/** What they do is done by the daemon or by processes that end with it; all others leave it to the kernel, which goes on. */
const END_WITH_THE_DAEMON: ReadonlySet<string> = new Set(['queue', 'tap', 'proxy', 'stress-ng']);

/**
 * What is to be noted of an execution that was active when the last daemon ended, and is taken over at `now`. `aliveAt`: the last sign
 * of life of that daemon; undefined when it left none. The gap is an upper bound: a daemon may have lived for a second after its sign.
 */
export function interruptionOf(
  record: ExecutionRecord,
  aliveAt: number | undefined,
  now: number,
): Pick<RecordChange, 'interruptedMs'> & { readonly note: string } {
  const until = new Date(now).toISOString();
  if (aliveAt === undefined) return { note: `no daemon ran for a while until ${until}` };
  // An earlier sign is of an earlier daemon's, or its clock was set back meanwhile.
  const gap = Math.round(Math.max(0, now - Math.max(aliveAt, record.activeAt ?? aliveAt)));
  const note = `no daemon ran for up to ${formatDuration(gap)} until ${until}`;
  if (!END_WITH_THE_DAEMON.has(record.work.engine)) return { note };
  return { note: `${note}, and the fault was away`, interruptedMs: (record.interruptedMs ?? 0) + gap };
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
