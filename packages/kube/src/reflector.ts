/** Lists all objects of a kind and follows what changes, from where the last watch ended, until it is stopped. */
import { backoff, type Clock, type Logger } from '@chaosplane/common';
import type { KubeClient, ListResult, Selection } from './client.ts';
import { isGone, KubeError } from './errors.ts';
import type { KubeObject, ResourceType } from './object.ts';
import type { WatchEvent } from './watch.ts';

/** What a reflector reads. */
export interface Reflected<T extends KubeObject> {
  readonly type: ResourceType<T>;
  readonly selection: Selection;
  /** Objects a page of the list. */
  readonly pageSize: number;
  /** How long one watch lasts before it is begun again where it ended. Absent: 240 to 300, at random. */
  readonly watchSeconds: number | undefined;
  /** For messages. */
  readonly name: string;
}

/** Where it goes. */
export interface Destination<T extends KubeObject> {
  /** All objects that there are, and no others. */
  replace(items: readonly T[]): void;
  /** What happened after that, in order, each once. */
  change(happened: 'put' | 'removed', object: T): void;
}

interface Parts {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A watch that ends sooner than this without an event has done no good: the next one waits. */
const SHORT_WATCH_MS = 1000;

export class Reflector<T extends KubeObject> {
  readonly #reflected: Reflected<T>;
  readonly #destination: Destination<T>;
  readonly #parts: Parts;
  /** Where the stream is; undefined when only a list can tell. */
  #position: string | undefined;
  #heardAt: number;
  #restarts = 0;

  constructor(reflected: Reflected<T>, destination: Destination<T>, parts: Parts) {
    this.#reflected = reflected;
    this.#destination = destination;
    this.#parts = parts;
    this.#heardAt = parts.clock.monotonic();
  }

  /** When the API server last said anything, on the monotonic clock. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** How often it had to begin again because of an error. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Goes on until the signal aborts; `onSynced` is called after each list. */
  async run(signal: AbortSignal, onSynced: () => void): Promise<void> {
    const { clock, logger } = this.#parts;
    const newWaits = () => backoff({ firstMs: 200, factor: 2, longestMs: 30_000, clock });
    let waits = newWaits();
    for (;;) {
      try {
        if (this.#position === undefined) {
          await this.#relist(signal);
          onSynced();
        }
        await this.#follow(signal, () => (waits = newWaits()));
      } catch (error) {
        if (signal.aborted) return;
        if (isGone(error)) this.#position = undefined;
        this.#restarts += 1;
        const asked = error instanceof KubeError ? (error.retryAfterMs ?? 0) : 0;
        const waitMs = Math.round(Math.max(waits.next().value, asked));
        // A copy that was cut off for a while is ordinarily too old.
        const level = isGone(error) ? 'info' : 'warn';
        logger[level]({ informer: this.#reflected.name, waitMs, err: error }, 'informer begins again');
        const woken = await clock.sleep(waitMs, signal).then(
          () => true,
          () => false,
        );
        if (!woken) return;
      }
    }
  }

  async #relist(signal: AbortSignal): Promise<void> {
    const { items, resourceVersion } = await listAll(this.#parts.client, this.#reflected, signal);
    this.#heardAt = this.#parts.clock.monotonic();
    this.#destination.replace(items);
    this.#position = resourceVersion;
  }

  /** Follows one watch to its end; `progress` is called for each sign that watching does some good. */
  async #follow(signal: AbortSignal, progress: () => void): Promise<void> {
    const { clock } = this.#parts;
    const began = clock.monotonic();
    let events = 0;
    for await (const { type: happened, object } of this.#watch(signal)) {
      this.#heardAt = clock.monotonic();
      const version = object.metadata.resourceVersion;
      // Told before: a server that begins the stream again elsewhere may repeat itself.
      if (version === undefined || isPast(version, this.#position)) continue;
      this.#position = version;
      events += 1;
      progress();
      if (happened === 'BOOKMARK') continue;
      this.#destination.change(happened === 'DELETED' ? 'removed' : 'put', object);
    }
    const lastedMs = clock.monotonic() - began;
    if (events === 0 && lastedMs < SHORT_WATCH_MS) {
      const ended = `ended after ${Math.round(lastedMs)} ms without an event`;
      throw new KubeError(0, 'Network', `watch of ${this.#reflected.name}: ${ended}`);
    }
    progress();
  }

  #watch(signal: AbortSignal): AsyncIterable<WatchEvent<T>> {
    const { client, clock } = this.#parts;
    const { type, selection, watchSeconds } = this.#reflected;
    const opened = (): void => {
      this.#heardAt = clock.monotonic();
    };
    const timeoutSeconds = watchSeconds ?? 240 + Math.floor(60 * clock.random());
    const resourceVersion = this.#position ?? '';
    return client.watch(type, { ...selection, resourceVersion, timeoutSeconds, opened, signal });
  }
}

/** The list, page by page. */
async function listAll<T extends KubeObject>(
  client: KubeClient,
  { type, selection, pageSize }: Reflected<T>,
  signal: AbortSignal,
): Promise<ListResult<T>> {
  const first = await client.list(type, { ...selection, limit: pageSize, signal });
  const items = [...first.items];
  let page = first;
  while (page.continue !== undefined) {
    try {
      page = await client.list(type, { ...selection, limit: pageSize, continue: page.continue, signal });
    } catch (error) {
      // The pages lasted longer than the server remembers that version; one large answer cannot expire.
      if (isGone(error)) return client.list(type, { ...selection, signal });
      throw error;
    }
    items.push(...page.items);
  }
  return { items, resourceVersion: first.resourceVersion };
}

/**
 * Whether a version is no later than a position. Versions are numbers that grow (KEP-5504 makes that a promise);
 * what is not a number, as of an aggregated API, is taken as later unless it is the same.
 */
function isPast(version: string, position: string | undefined): boolean {
  if (position === undefined) return false;
  const digits = /^[1-9]\d*$/;
  if (!digits.test(version) || !digits.test(position)) return version === position;
  return BigInt(version) <= BigInt(position);
}
