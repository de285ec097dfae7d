/** The life of executions on one node: parse → journal → apply → active → undo → gone. Knows neither gRPC nor tc. */
import { ChaosError, type Clock, type Logger, type Timer } from '@chaosplane/common';
import { requireCompleteRegistry } from '../faults/registry.ts';
import type { Host } from '../contract/host.ts';
import type { Journal } from '../journal/journal.ts';
import type { EvidenceRecord, ExecutionRecord } from '../journal/record.ts';
import type { NodeSettings } from '../faults/fault.ts';
import type { PlacementChoice } from '../netns/placement.ts';
import type { EngineConfig } from './config.ts';
import { logFields, type EngineContext } from './context.ts';
import { gatherEvidence } from './evidence.ts';
import { Executions, isLive, type ExecutionListener } from './executions.ts';
import { startHeartbeat } from './interruption.ts';
import { inject, type InjectionResult } from './inject.ts';
import { Lease } from './lease.ts';
import { renewLease, type LeaseRenewal, type RenewedLease } from './renew.ts';
import type { ExecRequest } from './request.ts';
import { createDrivers } from './drivers/drivers.ts';
import { sweep, type SweepReport } from './sweep.ts';
import { Undoer } from './undo.ts';
import { watchPods } from './watch.ts';

/** What the engine is made of. */
export interface EngineParts {
  readonly host: Host;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: EngineConfig;
}

/** An execution with its evidence of this moment. */
export interface Observed {
  readonly record: ExecutionRecord;
  readonly evidence?: EvidenceRecord;
}

/** Ended executions are remembered this long, for their idempotency keys and for clients that ask. */
const REMEMBER_MS = 24 * 3600 * 1000;
const FORGET_EVERY_MS = 3600 * 1000;

/** The engine of one daemon. Made by `startEngine`. */
export class Engine {
  readonly #context: EngineContext;
  readonly #undoer: Undoer;
  readonly #timers = new Map<string, Timer>();
  readonly #injecting = new Set<Promise<InjectionResult>>();
  #forgetting: Timer | undefined;
  readonly #running = new AbortController();
  readonly #watching: Promise<void>;
  readonly #endHeartbeat: () => Promise<void>;
  readonly swept: SweepReport;

  constructor(context: EngineContext, undoer: Undoer, swept: SweepReport) {
    this.#context = context;
    this.#undoer = undoer;
    this.swept = swept;
    for (const record of context.executions.live()) this.#schedule(record);
    context.executions.listen((record) => this.#schedule(record));
    this.#forgetLater();
    this.#endHeartbeat = startHeartbeat(context);
    this.#watching = watchPods(context, undoer, this.#running.signal);
  }

  get host(): Host {
    return this.#context.host;
  }

  get placement(): PlacementChoice {
    return this.#context.config.placement;
  }

  /** What may be done to the node itself; undefined: nothing. */
  get settings(): NodeSettings | undefined {
    return this.#context.config.node;
  }

  /** Executions that have not ended. */
  live(): ExecutionRecord[] {
    return this.#context.executions.live();
  }

  /** Aborts when the engine stops. */
  get signal(): AbortSignal {
    return this.#running.signal;
  }

  /** Carries a request out; see `inject` for what it throws. */
  async exec(request: ExecRequest, signal?: AbortSignal): Promise<InjectionResult> {
    this.#requireRunning();
    const injection = inject(this.#context, this.#undoer, request, signal);
    this.#injecting.add(injection);
    return injection.finally(() => this.#injecting.delete(injection));
  }

  /** Undoes an execution. One that has ended, or that is unknown, is a success. */
  async cancel(id: string): Promise<ExecutionRecord | undefined> {
    this.#requireRunning();
    return this.#undoer.undo(id, 'cancelled');
  }

  /** @throws ChaosError NOT_FOUND when the daemon does not remember it. */
  async get(id: string): Promise<Observed> {
    const { executions } = this.#context;
    const record = executions.get(id);
    if (record !== undefined && executions.isWritten(id)) return this.observe(record);
    throw new ChaosError('NOT_FOUND', `no execution ${id} is remembered here: list them to see which are`);
  }

  /** Oldest first. */
  async list(filter: { experimentId?: string; includeEnded: boolean }): Promise<Observed[]> {
    const chosen = this.#context.executions
      .written()
      .filter((record) => filter.includeEnded || isLive(record))
      .filter((record) => filter.experimentId === undefined || record.experimentId === filter.experimentId);
    return Promise.all(chosen.map((record) => this.observe(record)));
  }

  async observe(record: ExecutionRecord): Promise<Observed> {
    const evidence = await gatherEvidence(this.#context, record);
    const current = this.#context.executions.get(record.id) ?? record;
    return evidence === undefined ? { record: current } : { record: current, evidence };
  }

  /** Calls `listener` after each change, until the returned function is called. */
  listen(listener: ExecutionListener): () => void {
    return this.#context.executions.listen(listener);
  }

  /** "I am alive": see `renewLease`. */
  async renewLease(renewal: LeaseRenewal): Promise<RenewedLease> {
    this.#requireRunning();
    const renewed = await renewLease(this.#context, renewal);
    for (const record of this.#context.executions.live()) this.#schedule(record);
    return renewed;
  }

  /** Undoes everything that is live. Errors are collected: one that fails does not spare the others. */
  async recoverAll(): Promise<{ readonly ended: readonly string[]; readonly failed: readonly Error[] }> {
    // Those that were on their way when the daemon was told to stop.
    await Promise.allSettled(this.#injecting);
    const live = this.#context.executions.live();
    const results = await Promise.allSettled(live.map((record) => this.#undoer.undo(record.id, 'cancelled')));
    const failed = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as Error] : []));
    return { ended: live.filter((_, index) => results[index]?.status === 'fulfilled').map(({ id }) => id), failed };
  }

  /** Begins to stop: what is new is refused, and `signal` aborts. Idempotent. */
  refuse(): void {
    this.#running.abort(new ChaosError('UNAVAILABLE', 'the daemon is shutting down'));
  }

  /** Stops: what is active stays, for the next daemon to take over. */
  async stop(): Promise<void> {
    this.refuse();
    this.#undoer.stop();
    this.#forgetting?.cancel();
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    await this.#watching;
    await this.#endHeartbeat();
    await Promise.all(Object.values(this.#context.drivers).map((driver) => driver.close()));
  }

  #requireRunning(): void {
    if (this.#running.signal.aborted)
      throw new ChaosError('UNAVAILABLE', 'the daemon is shutting down: ask the next one');
  }

  #forgetLater(): void {
    this.#forgetting = this.#context.clock.after(FORGET_EVERY_MS, () => {
      void forgetOld(this.#context).catch((error: unknown) => {
        this.#context.logger.error({ err: error }, 'ended executions could not be forgotten');
      });
      this.#forgetLater();
    });
  }

  /** The kernel ends the effect at the deadline; this cleans up behind it. */
  #schedule(record: ExecutionRecord): void {
    this.#timers.get(record.id)?.cancel();
    this.#timers.delete(record.id);
    if (record.state !== 'active' || this.#running.signal.aborted) return;
    const { clock, lease } = this.#context;
    const timer = clock.after(Math.max(0, lease.deadlineOf(record) - clock.now()), () => void this.#expire(record.id));
    this.#timers.set(record.id, timer);
  }

  async #expire(id: string): Promise<void> {
    const { executions, lease, logger } = this.#context;
    const record = executions.get(id);
    if (record?.state !== 'active') return;
    // Renewals take this timer back. The wall clock is not asked whether the time is over: it may have been set.
    const reason = lease.deadlineOf(record) === record.expiresAt ? 'expired' : 'lease-lapsed';
    await this.#undoer.undo(id, reason).catch((error: unknown) => {
      logger.error({ ...logFields(record), err: error }, 'execution past its deadline could not be undone');
    });
  }

  /** Resolves with `woken`, or after `ms` milliseconds when these are given and pass first. */
  async waitFor(woken: Promise<void>, ms?: number): Promise<void> {
    if (ms === undefined) return woken;
    const late = new AbortController();
    const timer = this.#context.clock.after(ms, () => late.abort());
    const lateness = new Promise((resolve) => late.signal.addEventListener('abort', resolve));
    await Promise.race([woken, lateness]);
    timer.cancel();
  }
}

/** Loads the journal, sweeps, and only then gives an engine that can be asked. */
export async function startEngine({ host, journal, clock, logger, config }: EngineParts): Promise<Engine> {
  requireCompleteRegistry();
  const { records, lease: known, aliveAt, setAside } = await journal.load();
  if (setAside.length > 0) logger.error({ setAside }, 'journal files could not be read and were put aside');
  const executions = new Executions(journal, records);
  const parts = { host, clock, logger, config, executions, lease: new Lease(journal, clock, known) };
  const context = { ...parts, drivers: createDrivers(parts) };
  await forgetOld(context);
  const undoer = new Undoer(context);
  const swept = await sweep(context, undoer, aliveAt);
  logger.info({ ...swept }, 'swept');
  return new Engine(context, undoer, swept);
}

async function forgetOld({ executions, clock }: EngineContext): Promise<void> {
  const before = clock.now() - REMEMBER_MS;
  for (const { id } of executions.written()) {
    // Meanwhile it may have been tried again.
    const record = executions.get(id);
    if (record !== undefined && !isLive(record) && (record.endedAt ?? 0) < before) await executions.forget(id);
  }
}
