/** Notices targets that went away: their executions end, and what is held of them is let go so that the kernel can remove it. */
import { driverNameOf, type ExecutionRecord } from '../journal/record.ts';
import { logFields, type EngineContext } from './context.ts';
import { isLive } from './executions.ts';
import { KEEP_EVERY_MS, keepEvidence } from './keep-evidence.ts';
import { driverOf } from './drivers/driver.ts';
import type { Undoer } from './undo.ts';

/** Containerd 1.6 has no events for pods, so they are looked at: a kept context must not pin a dead pod for long. */
const LOOK_EVERY_MS = 1000;

/** Looks at the node's pods while any execution is live, until the signal aborts. */
export async function watchPods(context: EngineContext, undoer: Undoer, signal: AbortSignal): Promise<void> {
  let silent = false;
  const keeping = createKeeper(context, signal);
  while (!signal.aborted) {
    try {
      await context.clock.sleep(LOOK_EVERY_MS, signal);
      keeping.look();
      await lookOnce(context, undoer, signal);
      silent = false;
    } catch (error) {
      if (!silent && !isAborted(signal)) context.logger.warn({ err: error }, 'pods cannot be watched');
      silent = true;
    }
  }
  await keeping.over();
}

/** Keeps evidence while pods are looked at, which must not wait for it: a measurement takes its target's turn. */
function createKeeper(context: EngineContext, signal: AbortSignal) {
  const { clock } = context;
  let due = clock.monotonic() + KEEP_EVERY_MS;
  let running: Promise<void> | undefined;
  const keep = async (): Promise<void> => {
    due = clock.monotonic() + (await keepEvidence(context, signal));
    running = undefined;
  };
  return {
    look(): void {
      if (running === undefined && clock.monotonic() >= due) running = keep();
    },
    over: async (): Promise<void> => running,
  };
}

async function lookOnce(context: EngineContext, undoer: Undoer, signal: AbortSignal): Promise<void> {
  const { executions, drivers, logger } = context;
  // Only what was live before the runtime was asked: a pod that started meanwhile is not in its answer.
  const live = executions.live();
  if (live.length === 0 && !Object.values(drivers).some((driver) => driver.hasOpenResources())) return;
  const present = await context.host.runtime.sandboxes(signal);
  const ready = new Set(present.filter((sandbox) => sandbox.ready).map((sandbox) => sandbox.id));
  for (const records of Map.groupBy(live, driverNameOf).values()) {
    const [first] = records;
    const gone = first === undefined ? [] : await driverOf(drivers, first).gone(records, ready);
    const undo = async ({ id }: ExecutionRecord): Promise<void> => {
      const current = executions.get(id);
      if (current === undefined || !isLive(current)) return;
      // Where the target can still be reached, the fault is removed first: a sandbox that is not ready may have a network.
      await undoer.undo(id, 'target-gone').catch((error: unknown) => {
        logger.error({ ...logFields(current), err: error }, 'execution whose target is gone could not be undone');
      });
    };
    // The runtime may take a moment to say why, for each.
    await Promise.all(gone.map(undo));
  }
  for (const driver of Object.values(drivers)) await driver.releaseGone(ready);
  for (const records of Map.groupBy(executions.live(), driverNameOf).values()) {
    const [first] = records;
    if (first !== undefined) driverOf(drivers, first).refresh?.(records);
  }
}

/** Asked again: it may have changed while something else was waited for. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
