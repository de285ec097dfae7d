/** Undoes executions. An undo has its own time limit, ignores the caller's cancellation, and is retried with back-off until it succeeds. */
import { asChaosError, backoff, ChaosError, defined } from '@chaosplane/common';
import type { EndReason, ExecutionRecord } from '../journal/record.ts';
import { logFields, type EngineContext } from './context.ts';
import { measure } from './evidence.ts';
import { isLive } from './executions.ts';
import { driverOf, withNotes, type RecordChange } from './drivers/driver.ts';
import { whyGone, withEnd } from './why-gone.ts';

/** Undoes executions, and goes on trying those that failed until it is stopped. */
export class Undoer {
  readonly #context: EngineContext;
  readonly #stop = new AbortController();
  readonly #retrying = new Set<string>();

  constructor(context: EngineContext) {
    this.#context = context;
  }

  /**
   * Undoes an execution; one that has ended, or is unknown, is a success.
   * @throws ChaosError INTERNAL when it did not finish: the record is kept and the undo is tried again.
   */
  async undo(id: string, reason: EndReason): Promise<ExecutionRecord | undefined> {
    try {
      return await this.#attempt(id, reason);
    } catch (error) {
      this.retry(id, reason);
      const message = `the undo of ${id} has not finished: ${asChaosError(error).message}`;
      throw new ChaosError('INTERNAL', `${message}; it is tried again until it does`, { cause: error });
    }
  }

  /** Ends an execution of which nothing can be left: its target was seen to be gone, or the node has booted since. */
  async endUnseen(record: ExecutionRecord): Promise<ExecutionRecord> {
    const current = this.#context.executions.get(record.id) ?? record;
    const { endReason, ...change } = await driverOf(this.#context.drivers, current).endingUnseen(current);
    return this.#end(current, endReason, withNotes(current, await this.#told(current, endReason, change)));
  }

  /** A change with the words why its target is gone, if that is how it ends. */
  async #told(record: ExecutionRecord, endReason: EndReason, change: RecordChange): Promise<RecordChange> {
    const words = endReason === 'target-gone' ? await whyGone(this.#context, record) : undefined;
    const evidence = change.evidence ?? record.evidence;
    if (words === undefined) return change;
    return {
      ...change,
      notes: [...(change.notes ?? []), words],
      ...(evidence === undefined ? {} : { evidence: withEnd(evidence, words) }),
    };
  }

  /** Gives up the retries; the journal keeps what is left to do for the next daemon. */
  stop(): void {
    this.#stop.abort(new ChaosError('UNAVAILABLE', 'the daemon is shutting down'));
  }

  async #attempt(id: string, reason: EndReason): Promise<ExecutionRecord | undefined> {
    const { executions, drivers } = this.#context;
    const record = executions.get(id);
    if (record === undefined || !isLive(record)) return record;
    const ended = await driverOf(drivers, record).revisit(record, async (session) => {
      const current = executions.get(id) ?? record;
      if (!isLive(current)) return current;
      const evidence = await measure(this.#context, current, session);
      const endReason = current.endReason ?? reason;
      const undoing = { state: 'undoing', endReason, ...defined({ evidence }) } as const;
      // A journal that cannot be written (a full disk) must not keep a fault in force.
      await executions.update(id, undoing).catch((error: unknown) => {
        this.#context.logger.error({ ...logFields(current), err: error }, 'undo could not be journaled, and goes on');
      });
      try {
        await session.remove(current);
      } catch (error) {
        const failed = { state: 'undo-failed', error: asChaosError(error).message } as const;
        await executions.update(id, failed).catch(() => undefined);
        throw error;
      }
      const removed = executions.get(id) ?? current;
      const after = await this.#told(removed, endReason, session.aftermath?.(removed) ?? {});
      return this.#end(removed, endReason, withNotes(removed, after));
    });
    return ended ?? this.endUnseen(record);
  }

  async #end(record: ExecutionRecord, endReason: EndReason, change: RecordChange = {}): Promise<ExecutionRecord> {
    const { executions, clock, logger } = this.#context;
    // Two that found the target gone at the same time.
    if (!isLive(record)) return record;
    const ended = await executions.update(record.id, { ...change, state: 'ended', endReason, endedAt: clock.now() });
    logger.info({ ...logFields(ended), endReason, evidence: ended.evidence?.summary }, 'execution ended');
    return ended;
  }

  /** Begins to retry an undo that has not finished. Returns at once. */
  retry(id: string, reason: EndReason): void {
    if (this.#retrying.has(id) || this.#stop.signal.aborted) return;
    this.#retrying.add(id);
    void this.#retryUntilDone(id, reason).finally(() => this.#retrying.delete(id));
  }

  async #retryUntilDone(id: string, reason: EndReason): Promise<void> {
    const { clock, logger, executions } = this.#context;
    const record = executions.get(id);
    const fields = record === undefined ? { executionId: id } : logFields(record);
    for (const waitMs of backoff({ firstMs: 500, factor: 2, longestMs: 60_000, clock })) {
      try {
        await clock.sleep(waitMs, this.#stop.signal);
        await this.#attempt(id, reason);
        return;
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        logger.error({ ...fields, err: error, waitMs }, 'undo failed, will be tried again');
      }
    }
  }
}
