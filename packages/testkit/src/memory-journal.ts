/** A journal in memory that survives the daemons that come and go. */
import { defined } from '@chaosplane/common';
import type { ExecutionRecord, Journal, LeaseRecord } from '@chaosplane/daemon/journal';

/** A journal, with every record that was ever written to it. */
export interface MemoryJournal extends Journal {
  readonly writes: readonly ExecutionRecord[];
  /** What a disk has of it when the power is cut now: of each execution what was synced, and of later writes nothing. */
  afterPowerCut(): MemoryJournal;
}

/** `disk` is what a sync waits for: a power cut overtakes a caller that does not wait for the sync. */
export function memoryJournal(disk: () => Promise<unknown> = async () => undefined): MemoryJournal {
  return journalOver(new Map(), disk);
}

function journalOver(onDisk: ReadonlyMap<string, ExecutionRecord>, disk: () => Promise<unknown>): MemoryJournal {
  const records = new Map(onDisk);
  const synced = new Map(onDisk);
  const writes: ExecutionRecord[] = [];
  let lease: LeaseRecord | undefined;
  let aliveAt: number | undefined;
  const sync = (id: string): void => {
    const record = records.get(id);
    if (record !== undefined) synced.set(id, record);
  };
  return {
    writes,
    load: async () => ({ records: [...records.values()], setAside: [], ...defined({ lease, aliveAt }) }),
    async write(record, durability = 'power-loss') {
      const copy = structuredClone(record);
      writes.push(copy);
      records.set(record.id, copy);
      if (durability === 'power-loss') sync(record.id);
    },
    async sync(id) {
      await disk();
      sync(id);
    },
    async writeLease(next) {
      lease = next;
    },
    async forget(id) {
      records.delete(id);
      synced.delete(id);
    },
    async beat(at) {
      aliveAt = at;
    },
    afterPowerCut: () => journalOver(synced, disk),
  };
}
