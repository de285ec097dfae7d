/** WatchExecutions: first what is, then each change, and evidence at an interval when it is asked for. */
import { millisecondsOf, type DeepPartial, type ExecutionEvent, type WatchExecutionsRequest } from '@chaosplane/proto';
import type { Engine } from '../engine/engine.ts';
import { isLive } from '../engine/executions.ts';
import { executionOf } from './wire.ts';

/** A client may ask for evidence at most this often: gathering it asks the kernel, or the container runtime. */
const SHORTEST_INTERVAL_MS = 200;

/** Streams until the client goes away or the engine stops. Several changes of one execution between two reads are one event. */
export async function* watchExecutions(
  engine: Engine,
  request: WatchExecutionsRequest,
  clientSignal: AbortSignal,
): AsyncGenerator<DeepPartial<ExecutionEvent>> {
  const signal = AbortSignal.any([clientSignal, engine.signal]);
  const filter = request.experimentId === '' ? {} : { experimentId: request.experimentId };
  const changed = new Set<string>();
  let wake = (): void => undefined;
  signal.addEventListener('abort', () => wake(), { once: true });
  const unlisten = engine.listen((record) => {
    if (request.experimentId !== '' && record.experimentId !== request.experimentId) return;
    changed.add(record.id);
    wake();
  });
  const intervalMs = request.evidenceInterval === undefined ? undefined : millisecondsOf(request.evidenceInterval);
  try {
    for (const observed of await engine.list({ ...filter, includeEnded: true })) {
      yield { execution: executionOf(observed) };
    }
    while (!signal.aborted) {
      if (changed.size === 0) {
        const woken = new Promise<void>((resolve) => {
          wake = resolve;
        });
        await engine.waitFor(woken, intervalMs === undefined ? undefined : Math.max(SHORTEST_INTERVAL_MS, intervalMs));
      }
      if (changed.size === 0 && intervalMs !== undefined) {
        for (const { record } of await engine.list({ ...filter, includeEnded: false })) {
          if (isLive(record)) changed.add(record.id);
        }
      }
      for (const id of [...changed]) {
        changed.delete(id);
        yield { execution: executionOf(await engine.get(id)) };
      }
    }
  } finally {
    unlisten();
  }
}
