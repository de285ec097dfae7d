/** Waiting in tests for what comes true by itself. */
import { setTimeout as pause } from 'node:timers/promises';
import { inspect } from 'node:util';

/** How long, how often, and for what. */
export interface Waiting<V> {
  /** Default: 30 seconds. */
  readonly withinMs?: number | undefined;
  /** Default: 50. */
  readonly everyMs?: number;
  /** Whether it is what was waited for. Default: it is neither undefined nor false. */
  readonly is?: (seen: V) => boolean;
  /** Ends the wait early. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Looks again and again until it sees what it waits for, and resolves with that. The first look is at once.
 * @throws Error that names what was waited for, and what was seen last.
 */
export async function eventually<V>(
  what: string,
  look: () => V | Promise<V>,
  { withinMs = 30_000, everyMs = 50, is = isThere, signal }: Waiting<V> = {},
): Promise<Exclude<V, undefined | false>> {
  for (const end = performance.now() + withinMs; ;) {
    const seen = await look();
    if (is(seen)) return seen as Exclude<V, undefined | false>;
    if (performance.now() > end) throw new Error(`${what}: not within ${withinMs / 1000} s${last(seen)}`);
    await pause(everyMs, undefined, { signal }).catch((error: unknown) => {
      throw signal?.aborted === true ? signal.reason : error;
    });
  }
}

const isThere = (seen: unknown): boolean => seen !== undefined && seen !== false;

const last = (seen: unknown): string =>
  isThere(seen) ? `; last seen: ${inspect(seen, { breakLength: Infinity, getters: true }).slice(0, 500)}` : '';
