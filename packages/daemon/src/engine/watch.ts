/** Notices pods that went away: their executions end, and their namespaces are let go so that the kernel can remove them. */
import type { EngineContext } from './context.ts';
import { isLive } from './executions.ts';
import type { Undoer } from './undo.ts';

/** Containerd 1.6 has no events for pods, so they are looked at: a kept context must not pin a dead pod for long. */
const LOOK_EVERY_MS = 1000;

/** Looks at the node's pods while any execution is live, until the signal aborts. */
export async function watchPods(context: EngineContext, undoer: Undoer, signal: AbortSignal): Promise<void> {
  let silent = false;
  while (!signal.aborted) {
    try {
      await context.clock.sleep(LOOK_EVERY_MS, signal);
      await lookOnce(context, undoer, signal);
      silent = false;
    } catch (error) {
      if (!silent && !isAborted(signal)) context.logger.warn({ err: error }, 'pods cannot be watched');
      silent = true;
    }
  }
}

async function lookOnce(context: EngineContext, undoer: Undoer, signal: AbortSignal): Promise<void> {
  // Only what was live before the runtime was asked: a pod that started meanwhile is not in its answer.
  const live = context.executions.live();
  const open = context.namespaces.open();
  if (live.length === 0 && open.length === 0) return;
  const present = await context.host.runtime.sandboxes(signal);
  const ready = new Set(present.filter((sandbox) => sandbox.ready).map((sandbox) => sandbox.id));
  for (const record of live) {
    if (ready.has(record.target.sandboxId)) continue;
    const current = context.executions.get(record.id);
    if (current === undefined || !isLive(current)) continue;
    await undoer.endGone(current).catch((error: unknown) => {
      context.logger.error(
        { executionId: current.id, err: error },
        'execution of a pod that is gone could not be undone',
      );
    });
  }
  for (const { sandboxId, cookie } of open) if (!ready.has(sandboxId)) await context.namespaces.release(cookie);
}

/** Asked anew: it may have changed while something else was waited for. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
