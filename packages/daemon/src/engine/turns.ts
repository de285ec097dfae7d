/** Turns: of all that want to work on one thing, one at a time does. */
import { Mutex } from '@chaosplane/common';

/** A turn for each name; a name that nobody waits for costs nothing. */
export class Turns {
  readonly #turns = new Map<string, { readonly turn: Mutex; waiting: number }>();

  async take<T>(name: string, work: () => Promise<T>): Promise<T> {
    const entry = this.#turns.get(name) ?? { turn: new Mutex(), waiting: 0 };
    this.#turns.set(name, entry);
    entry.waiting++;
    try {
      return await entry.turn.run(work);
    } finally {
      if (--entry.waiting === 0) this.#turns.delete(name);
    }
  }
}
