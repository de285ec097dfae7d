/** A mutex for each key: work on the same thing runs one after another. */
import { Mutex } from './mutex.ts';

/** Mutexes by key; a key without work takes no memory. */
export class KeyedMutex {
  readonly #entries = new Map<string, { readonly mutex: Mutex; waiting: number }>();

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const entry = this.#entries.get(key) ?? { mutex: new Mutex(), waiting: 0 };
    this.#entries.set(key, entry);
    entry.waiting++;
    try {
      return await entry.mutex.run(work);
    } finally {
      if (--entry.waiting === 0) this.#entries.delete(key);
    }
  }
}
