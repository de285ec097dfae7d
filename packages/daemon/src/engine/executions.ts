/** All executions that this daemon remembers: in memory for reading, written to the journal before a caller sees a change. */
import { KeyedMutex } from '@chaosplane/common';
import type { Journal, Durability } from '../journal/journal.ts';
import { driverNameOf, type EvidenceRecord, type ExecutionRecord } from '../journal/record.ts';

/** What of a record may change. */
export type RecordChange = Partial<Omit<ExecutionRecord, 'id' | 'target'>>;

/** Called after each change of an execution. */
export type ExecutionListener = (record: ExecutionRecord) => void;

/** The records, by id. */
export class Executions {
  readonly #journal: Journal;
  /** Oldest first. */
  readonly #records = new Map<string, ExecutionRecord>();
  /** Those of them that have not ended: each injection asks for these, and there may be a day's worth of the others. */
  readonly #live = new Map<string, ExecutionRecord>();
  readonly #byKey = new Map<string, string>();
  /** New ones whose first record the journal does not have yet. */
  readonly #unwritten = new Set<string>();
  /** Changes of one execution are written one after another. */
  readonly #mutex = new KeyedMutex();
  readonly #listeners = new Set<ExecutionListener>();

  constructor(journal: Journal, records: readonly ExecutionRecord[]) {
    this.#journal = journal;
    for (const record of records.toSorted((a, b) => a.createdAt - b.createdAt)) this.#remember(record);
  }

  /** A sign of life in the journal. */
  beat(at: number): Promise<void> {
    return this.#journal.beat(at);
  }

  get(id: string): ExecutionRecord | undefined {
    return this.#records.get(id);
  }

  /** Whether the journal has it. Until then only the engine knows of it: a daemon that died now would leave no trace of it. */
  isWritten(id: string): boolean {
    return this.#records.has(id) && !this.#unwritten.has(id);
  }

  /** Those that the journal has, oldest first. */
  written(): ExecutionRecord[] {
    return [...this.#records.values()].filter(({ id }) => this.isWritten(id));
  }

  /** Those that have not ended, also when they are not written yet, oldest first. */
  live(): ExecutionRecord[] {
    return [...this.#live.values()];
  }

  byKey(key: string): ExecutionRecord | undefined {
    const id = this.#byKey.get(key);
    return id === undefined ? undefined : this.#records.get(id);
  }

  /**
   * Remembers a new execution at once, so that an equal request that comes meanwhile finds it, and journals it. Then its effect
   * may begin. The request may not be answered before `synced`, which never resolves to a lie: it rejects when the disk fails.
   */
  async add(record: ExecutionRecord): Promise<{ readonly synced: Promise<void> }> {
    // One that failed before may be tried again under its id.
    this.#drop(record.id);
    this.#remember(record);
    this.#unwritten.add(record.id);
    const withPower = endsWithBoot(record);
    try {
      await this.#journal.write(record, withPower ? 'process-crash' : 'power-loss');
    } catch (error) {
      this.#drop(record.id);
      throw error;
    } finally {
      this.#unwritten.delete(record.id);
    }
    this.#tell(record);
    const synced = withPower ? this.#journal.sync(record.id) : Promise.resolve();
    // A caller that never waits for it has failed already.
    synced.catch(() => undefined);
    return { synced };
  }

  /** Journals the change, then shows it. Returns the changed record. */
  async update(id: string, change: RecordChange): Promise<ExecutionRecord> {
    return this.#mutex.run(id, () => this.#write(id, change));
  }

  /** Journals what was measured of an active execution, for the next daemon; it is no change that a caller waits for. */
  async keepEvidence(id: string, evidence: EvidenceRecord): Promise<void> {
    await this.#mutex.run(id, async () => {
      const current = this.#records.get(id);
      if (current?.state !== 'active') return;
      const record = { ...current, evidence };
      await this.#journal.write(record, 'process-crash');
      this.#remember(record);
    });
  }

  async #write(id: string, change: RecordChange): Promise<ExecutionRecord> {
    const current = this.#records.get(id);
    if (current === undefined) throw new Error(`no execution ${id}`);
    // A change never takes a record to another driver.
    const record = { ...current, ...change } as ExecutionRecord;
    await this.#journal.write(record, durabilityOf(current, record));
    this.#remember(record);
    this.#tell(record);
    return record;
  }

  async forget(id: string): Promise<void> {
    this.#drop(id);
    await this.#journal.forget(id);
  }

  #remember(record: ExecutionRecord): void {
    const { id, idempotencyKey } = record;
    this.#records.set(id, record);
    if (isLive(record)) this.#live.set(id, record);
    else this.#live.delete(id);
    if (idempotencyKey !== undefined) this.#byKey.set(idempotencyKey, id);
  }

  #drop(id: string): void {
    const key = this.#records.get(id)?.idempotencyKey;
    if (key !== undefined && this.#byKey.get(key) === id) this.#byKey.delete(key);
    this.#records.delete(id);
    this.#live.delete(id);
  }

  /** Listens to changes until the returned function is called. */
  listen(listener: ExecutionListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(record: ExecutionRecord): void {
    for (const listener of this.#listeners) listener(record);
  }
}

/**
 * What a change has to outlive before anything goes on. The effects of most drivers end with the boot, and after another one each
 * live record says the same, that its target is gone: so between its first record and its last, only the end of the daemon
 * matters. These two are synced before the request is answered.
 */
function durabilityOf({ state: before }: ExecutionRecord, record: ExecutionRecord): Durability {
  const { state } = record;
  const passing = (before === 'applying' && state === 'active') || state === 'undoing';
  return passing && endsWithBoot(record) ? 'process-crash' : 'power-loss';
}

/** Whether a power cut removes all that a fault of this driver does. */
function endsWithBoot(record: ExecutionRecord): boolean {
  switch (driverNameOf(record)) {
    case 'network':
    case 'proxy':
    case 'process':
      return true;
    case 'one-shot':
      // What happened once stays, and must never happen again.
      return false;
  }
}

/** Whether something of it may still be on the node. */
export function isLive(record: ExecutionRecord): boolean {
  return record.state !== 'ended';
}
