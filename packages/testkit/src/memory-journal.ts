/** A journal in memory that survives the daemons that come and go. */
import type { Journal, LeaseRecord } from '@chaosplane/daemon/journal';
import type { ExecutionRecord } from '@chaosplane/daemon/journal';

/** A journal, with every record that was ever written to it. */
export interface MemoryJournal extends Journal {
  readonly writes: readonly ExecutionRecord[];
}

export function memoryJournal(): MemoryJournal {
  const records = new Map<string, ExecutionRecord>();
  const writes: ExecutionRecord[] = [];
  let lease: LeaseRecord | undefined;
  return {
    writes,
    load: async () => ({ records: [...records.values()], setAside: [], ...(lease === undefined ? {} : { lease }) }),
    async write(record) {
      const copy = structuredClone(record);
      writes.push(copy);
      records.set(record.id, copy);
    },
    async writeLease(next) {
      lease = next;
    },
    async forget(id) {
      records.delete(id);
    },
  };
}
