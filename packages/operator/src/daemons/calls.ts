/** The calls of one experiment: each goes on by itself, also between two visits, so that a node that does not answer holds up nothing else. */
import type { Clock } from '@chaosplane/common';
import { PATIENCE_MS } from './unresponsive.ts';

/** When one has answered, the others have so long to be heard at the same time. Milliseconds. */
const GATHER_MS = 25;

/** What a call came to. */
export type Answer<T> = { readonly value: T } | { readonly error: unknown };

/** One call. */
export interface Call<T> {
  /** Absent: it is under way. */
  readonly answer?: Answer<T>;
  readonly settled: Promise<void>;
}

/** How a call is made. */
export interface CallOptions<T> {
  /** Whether no caller should wait for it at this moment. */
  readonly isUnresponsive: () => boolean;
  readonly run: (signal: AbortSignal) => Promise<T>;
}

/** Calls, by keys: one of each key is under way at a time. */
export interface Calls {
  /** Begins a call; the one of that key that is under way, where there is one. */
  start<T>(key: string, options: CallOptions<T>): Call<T>;
  /** The call of that key whose answer was not taken. */
  get(key: string): Call<unknown> | undefined;
  /** Keys whose calls are under way, of those that begin with `prefix`. */
  underWay(prefix: string): string[];
  /** What the newest call of that key that has ended came to, if that was not taken; also while the next one is under way. */
  last<T>(key: string): Answer<T> | undefined;
  /** What calls of keys that begin with `prefix` came to; each is told once, without the prefix. */
  take<T>(prefix: string): ReadonlyMap<string, Answer<T>>;
  /**
   * Waits for calls: for `all`, or until `some` have been answered. Not for silent ones, not for
   * longer than `patienceMs`, and not when there is hurry. One that is answered later wakes the experiment.
   */
  wait(calls: Iterable<Call<unknown>>, enough: 'all' | 'some', patienceMs?: number): Promise<void>;
  /** Ends each wait that is under way: something came up. */
  hurry(): void;
  /** Takes back those of keys that begin with `prefix`; what they come to is not told. */
  stop(prefix: string): void;
}

interface BegunCall extends Call<unknown> {
  answer?: Answer<unknown>;
  /** What the call of the same key before it came to. */
  readonly before: Answer<unknown> | undefined;
  readonly isUnresponsive: () => boolean;
  readonly life: AbortController;
  /** No caller waits for it any more. */
  late: boolean;
}

/** No calls yet; `wake` is called when one is answered for which no caller waits. */
export function createCalls({ clock, wake }: { readonly clock: Clock; readonly wake: () => void }): Calls {
  const entries = new Map<string, BegunCall>();
  let hurried = Promise.withResolvers<undefined>();

  const begin = (key: string, { isUnresponsive, run }: CallOptions<unknown>): BegunCall => {
    const life = new AbortController();
    const made = Promise.resolve().then(async () => run(life.signal));
    const settle = (answer: Answer<unknown>): void => {
      entry.answer = answer;
      if (entry.late && entries.get(key) === entry) wake();
    };
    const settled = made.then(
      (value) => settle({ value }),
      (error: unknown) => settle({ error }),
    );
    const earlier = entries.get(key);
    const before = earlier?.answer ?? earlier?.before;
    const entry: BegunCall = { settled, before, isUnresponsive, life, late: false };
    entries.set(key, entry);
    return entry;
  };

  /** Resolves with the first of these, or after `ms`. */
  const first = async (ms: number, ...events: readonly Promise<unknown>[]): Promise<void> => {
    const over = new AbortController();
    const timeout = clock.sleep(ms, over.signal).catch(() => undefined);
    await Promise.race([timeout, hurried.promise, ...events]);
    over.abort();
  };

  const keysOf = (prefix: string): string[] => [...entries.keys()].filter((key) => key.startsWith(prefix));

  return {
    start<T>(key: string, options: CallOptions<T>) {
      const known = entries.get(key);
      return (known !== undefined && known.answer === undefined ? known : begin(key, options)) as Call<T>;
    },
    get: (key) => entries.get(key),
    last(key) {
      const entry = entries.get(key);
      return (entry?.answer ?? entry?.before) as Answer<never> | undefined;
    },
    underWay: (prefix) => keysOf(prefix).filter((key) => entries.get(key)?.answer === undefined),
    take<T>(prefix: string) {
      const taken = new Map<string, Answer<T>>();
      for (const key of keysOf(prefix)) {
        const answer = entries.get(key)?.answer;
        if (answer === undefined) continue;
        entries.delete(key);
        taken.set(key.slice(prefix.length), answer as Answer<T>);
      }
      return taken;
    },
    async wait(calls, enough, patienceMs = PATIENCE_MS) {
      const all = [...calls] as BegunCall[];
      const heard = all.filter(({ answer, isUnresponsive }) => answer === undefined && !isUnresponsive());
      const settled = heard.map((call) => call.settled);
      const whole = Promise.all(settled);
      if (enough === 'all' && settled.length > 0) await first(patienceMs, whole);
      if (enough === 'some' && settled.length > 0) {
        if (!all.some(({ answer }) => answer !== undefined)) await first(patienceMs, ...settled);
        if (heard.some(({ answer }) => answer === undefined)) await first(GATHER_MS, whole);
      }
      for (const call of all) call.late = call.answer === undefined;
    },
    hurry() {
      hurried.resolve(undefined);
      hurried = Promise.withResolvers();
    },
    stop(prefix) {
      for (const key of keysOf(prefix)) {
        entries.get(key)?.life.abort();
        entries.delete(key);
      }
    },
  };
}
