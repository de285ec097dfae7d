/** The namespaces that are open, by cookie: one at a time works in each, and none is held longer than needed. */
import { ChaosError, Mutex, type Clock, type Timer } from '@chaosplane/common';
import type { Host, Netns } from '../../../contract/host.ts';
import { Namespace } from '../../../netns/namespace.ts';
import { openSame, requireOfPod } from '../../open-netns.ts';

interface OpenNamespace {
  readonly namespace: Namespace;
  /** The pod sandbox that it belongs to. */
  readonly sandboxId: string;
  readonly mutex: Mutex;
  linger?: Timer;
  closed: boolean;
}

/** Where a namespace is, and which one it must be. */
export interface NamespaceRef {
  readonly sandboxId: string;
  readonly netnsPath: string;
  readonly netnsCookie: string;
}

/** How long an idle namespace stays open, so that the next fault in it costs no new netlink socket. */
const LINGER_MS = 10_000;

/** The open namespaces of this daemon. */
export class Namespaces {
  readonly #host: Host;
  readonly #clock: Clock;
  readonly #entries = new Map<string, OpenNamespace>();
  /** Whether a namespace that is opened now is known to hold nothing of ChaosPlane. */
  readonly #isFresh: (cookie: string) => boolean;

  constructor(host: Host, clock: Clock, isFresh: (cookie: string) => boolean) {
    this.#host = host;
    this.#clock = clock;
    this.#isFresh = isFresh;
  }

  /**
   * Runs `work` in the namespace of a sandbox, whichever is at that path now, when its turn comes.
   * @throws ChaosError NOT_FOUND when there is none.
   */
  async enter<T>(ref: Omit<NamespaceRef, 'netnsCookie'>, work: (namespace: Namespace) => Promise<T>): Promise<T> {
    return this.#take(await this.#adopt(this.#host.openNetns(ref.netnsPath), ref.sandboxId), work);
  }

  /** Runs `work` in the very namespace that is meant; undefined when that no longer exists. */
  async revisit<T>(ref: NamespaceRef, work: (namespace: Namespace) => Promise<T>): Promise<T | undefined> {
    const open = this.#entries.get(ref.netnsCookie);
    if (open !== undefined) return this.#take(open, work);
    const netns = await openSame(this.#host, ref);
    return netns === undefined ? undefined : this.#take(await this.#adopt(netns, ref.sandboxId), work);
  }

  /** The sandboxes whose namespaces are open, with the cookies of these. */
  open(): { readonly sandboxId: string; readonly cookie: string }[] {
    return [...this.#entries].map(([cookie, { sandboxId }]) => ({ sandboxId, cookie }));
  }

  /** Lets go of a namespace whose pod is gone, so that the kernel can remove it. */
  async release(cookie: string): Promise<void> {
    const entry = this.#entries.get(cookie);
    if (entry !== undefined) await entry.mutex.run(() => this.#close(cookie, entry));
  }

  /** Lets go of all of them; what is installed stays. */
  async close(): Promise<void> {
    await Promise.all([...this.#entries.keys()].map((cookie) => this.release(cookie)));
  }

  async #adopt(netns: Netns, sandboxId: string): Promise<OpenNamespace> {
    await requireOfPod(this.#host, netns);
    const known = this.#entries.get(netns.cookie);
    if (known !== undefined) {
      await netns.close();
      return known;
    }
    const fresh = this.#isFresh(netns.cookie);
    const namespace = new Namespace(netns, this.#clock, { fresh });
    const entry: OpenNamespace = { namespace, sandboxId, mutex: new Mutex(), closed: false };
    this.#entries.set(netns.cookie, entry);
    return entry;
  }

  async #take<T>(entry: OpenNamespace, work: (namespace: Namespace) => Promise<T>): Promise<T> {
    return entry.mutex.run(async () => {
      entry.linger?.cancel();
      if (entry.closed) throw new ChaosError('ABORTED', 'the pod went away at this moment: try again');
      try {
        return await work(entry.namespace);
      } finally {
        if (entry.namespace.size === 0) this.#lingerThenClose(entry);
      }
    });
  }

  #lingerThenClose(entry: OpenNamespace): void {
    const { cookie } = entry.namespace.netns;
    entry.linger = this.#clock.after(LINGER_MS, () => {
      void entry.mutex.run(() => (entry.namespace.size === 0 ? this.#close(cookie, entry) : Promise.resolve()));
    });
  }

  async #close(cookie: string, entry: OpenNamespace): Promise<void> {
    if (entry.closed) return;
    entry.linger?.cancel();
    entry.closed = true;
    this.#entries.delete(cookie);
    await entry.namespace.close();
  }
}
