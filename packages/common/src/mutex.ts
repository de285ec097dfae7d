/** One at a time: work on the same thing waits its turn. */

/** Runs tasks one after another, in the order they came. A task that fails does not disturb the next one. */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `task` once everything before it has settled, and gives back what it gives. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task, task);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
