/** A line in which groups take turns: a group that brings a thousand keys waits behind them, and no other group does. */

/** Keys that wait, each once. */
export interface Line {
  add(key: string): void;
  has(key: string): boolean;
  delete(key: string): void;
  /** The key whose turn it is, of a group that may have one now; it leaves the line. */
  next(may: (group: string) => boolean): string | undefined;
  clear(): void;
  readonly size: number;
}

/** An empty line. Within a group keys come in the order in which they were added. */
export function createLine(groupOf: (key: string) => string): Line {
  /** The group whose turn comes next is the first. */
  const groups = new Map<string, Set<string>>();
  let size = 0;

  const take = (group: string, key: string): boolean => {
    const keys = groups.get(group);
    if (keys?.delete(key) !== true) return false;
    size -= 1;
    if (keys.size === 0) groups.delete(group);
    return true;
  };

  return {
    add(key) {
      const group = groupOf(key);
      const keys = groups.get(group) ?? new Set();
      if (keys.has(key)) return;
      groups.set(group, keys.add(key));
      size += 1;
    },
    has: (key) => groups.get(groupOf(key))?.has(key) === true,
    delete: (key) => void take(groupOf(key), key),
    next(may) {
      for (const [group, keys] of groups) {
        if (!may(group)) continue;
        const [key = ''] = keys;
        take(group, key);
        // Behind all others, where it has more.
        if (groups.delete(group)) groups.set(group, keys);
        return key;
      }
      return undefined;
    },
    clear() {
      groups.clear();
      size = 0;
    },
    get size() {
      return size;
    },
  };
}
