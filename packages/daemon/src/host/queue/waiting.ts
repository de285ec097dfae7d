/** Packets that wait, in the order in which they are due: a binary heap. */

/** Something that waits until `due`, in milliseconds of a monotonic clock. */
interface WaitingItem<T> {
  readonly due: number;
  /** Among those due at the same time, the first to come is the first to go. */
  readonly arrival: number;
  readonly value: T;
}

/** What waits. */
export class WaitingRoom<T> {
  readonly #heap: WaitingItem<T>[] = [];
  #arrivals = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** When the first is due; undefined when nothing waits. */
  get nextDue(): number | undefined {
    return this.#heap[0]?.due;
  }

  add(due: number, value: T): void {
    const heap = this.#heap;
    const entry = { due, arrival: this.#arrivals++, value };
    let at = heap.length;
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = heap[parentAt];
      if (parent === undefined || isBefore(parent, entry)) break;
      heap[at] = parent;
      at = parentAt;
    }
    heap[at] = entry;
  }

  /** Takes out the first that is due at `now`. */
  takeDue(now: number): T | undefined {
    const first = this.#heap[0];
    if (first === undefined || first.due > now) return undefined;
    const last = this.#heap.pop();
    if (last !== undefined && last !== first) this.#sinkFromTop(last);
    return first.value;
  }

  #sinkFromTop(entry: WaitingItem<T>): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]];
      if (left === undefined) break;
      const rightFirst = right !== undefined && isBefore(right, left);
      const child = rightFirst ? right : left;
      if (isBefore(entry, child)) break;
      heap[at] = child;
      at = 2 * at + (rightFirst ? 2 : 1);
    }
    heap[at] = entry;
  }
}

function isBefore<T>(a: WaitingItem<T>, b: WaitingItem<T>): boolean {
  return a.due < b.due || (a.due === b.due && a.arrival < b.arrival);
}
