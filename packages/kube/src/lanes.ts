/** Which key gets a worker next: urgent ones first, and no more of a group at the same time than it may have. */
import { createLine } from './line.ts';

type Lane = 'urgent' | 'normal';

export interface LanesOptions {
  /** Keys worked on at the same time; urgent ones have `reserved` workers more. */
  readonly concurrency: number;
  /** Groups take turns, however many keys each of them has. Default: all keys are of one group. */
  readonly groupOf?: (key: string) => string;
  /** Keys of one group that are worked on at the same time; for those that are urgent it counts again. Default: no limit. */
  readonly perGroup?: number;
  /** Whether a key is urgent when it is added: those come first. Default: none is. */
  readonly isUrgent?: (key: string) => boolean;
  /** Workers that only urgent keys get. Default: none. */
  readonly reserved?: number;
}

/** Keys that wait or are worked on. */
export interface Lanes {
  /** A key waits from now on, in the lane that it belongs to now. */
  wait(key: string): void;
  /** The key whose turn it is, which is worked on from now on; undefined when none waits, or there is no worker for those that do. */
  begin(): string | undefined;
  /** A key is not worked on any more. */
  end(key: string): void;
  runs(key: string): boolean;
  /** Drops what waits. */
  clear(): void;
  readonly waiting: number;
  readonly running: number;
}

export function createLanes(options: LanesOptions): Lanes {
  const { concurrency, groupOf = () => '', perGroup = Infinity, isUrgent = () => false, reserved = 0 } = options;
  const lanes = { urgent: createLine(groupOf), normal: createLine(groupOf) };
  /** Each in the lane that it came from. */
  const running = new Map<string, Lane>();

  const next = (): readonly [key: string, lane: Lane] | undefined => {
    if (running.size >= concurrency + reserved) return undefined;
    const busy = { urgent: new Map<string, number>(), normal: new Map<string, number>() };
    let ordinary = 0;
    for (const [key, lane] of running) {
      const group = groupOf(key);
      busy[lane].set(group, (busy[lane].get(group) ?? 0) + 1);
      if (lane === 'normal') ordinary += 1;
    }
    const may = (lane: Lane) => (group: string) => (busy[lane].get(group) ?? 0) < perGroup;
    const urgent = lanes.urgent.next(may('urgent'));
    if (urgent !== undefined) return [urgent, 'urgent'];
    const normal = ordinary < concurrency ? lanes.normal.next(may('normal')) : undefined;
    return normal === undefined ? undefined : [normal, 'normal'];
  };

  return {
    wait(key) {
      // One that waits already may have become urgent; nothing becomes less so.
      if (lanes.urgent.has(key)) return;
      if (isUrgent(key)) {
        lanes.normal.delete(key);
        lanes.urgent.add(key);
      } else lanes.normal.add(key);
    },
    begin() {
      const turn = next();
      if (turn !== undefined) running.set(...turn);
      return turn?.[0];
    },
    end: (key) => void running.delete(key),
    runs: (key) => running.has(key),
    clear() {
      lanes.urgent.clear();
      lanes.normal.clear();
    },
    get waiting() {
      return lanes.urgent.size + lanes.normal.size;
    },
    get running() {
      return running.size;
    },
  };
}
