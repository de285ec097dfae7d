/** What the kernel and the queue backend counted for the layers of a namespace. */
import type { Clock } from '@chaosplane/common';
import type { Netns, Qdisc } from '../contract/host.ts';
import { strikes } from './effect-rules.ts';
import type { Layer } from '../model/layer.ts';
import { layerNames, TABLE, tapPrefixOf } from './names.ts';
import { familiesOf, shapedDevices, takesQueue, takesTap, type PlacedLayer } from './placed-layer.ts';
import type { Leaf, Tree } from './shaping.ts';

/** What was counted for one layer. */
export interface LayerCounts {
  readonly matched: number;
  readonly matchedBytes: number;
  /** Packets that nft dropped, copied, or chose to be corrupted. */
  readonly hit: number;
  /** What came through its leaves or the queue backend; absent where neither shapes. */
  readonly shaped?: Shaped;
  /** Of those matched, the ones from before this daemon took the layer over, where only the daemon counts what it does. */
  readonly unattended?: number;
}

/** What went through a queue. */
export interface Shaped {
  /** Packets that left it. */
  readonly packets: number;
  readonly bytes: number;
  /** Packets that wait in it. */
  readonly held: number;
  readonly heldBytes: number;
  /** Packets that found it full, or were in it when it was removed. */
  readonly drops: number;
  /** Packets that user space could not send on. They did not feel the fault, they were lost by it. */
  readonly refused?: number;
}

const nothingShaped: Shaped = { packets: 0, bytes: 0, held: 0, heldBytes: 0, drops: 0 };

/** At the moment of injection, without asking the kernel. */
export const NOTHING_COUNTED: LayerCounts & { readonly shaped: Shaped } = {
  matched: 0,
  matchedBytes: 0,
  hit: 0,
  shaped: nothingShaped,
};

const sum = (parts: readonly Shaped[]): Shaped =>
  parts.reduce(
    (a, b) => ({
      packets: a.packets + b.packets,
      bytes: a.bytes + b.bytes,
      held: a.held + b.held,
      heldBytes: a.heldBytes + b.heldBytes,
      drops: a.drops + b.drops,
      refused: (a.refused ?? 0) + (b.refused ?? 0),
    }),
    nothingShaped,
  );

/** How often user space is asked again until it has taken in what was matched: it takes some hundred packets a turn. */
const ASKED_AGAIN = 20;

interface Counted {
  readonly packets: number;
  readonly bytes: number;
}

/** Every counter of a family by its name, and when it was asked for. */
interface Listing {
  readonly at: number;
  readonly counters: ReadonlyMap<string, Counted>;
}

type Installed = Pick<PlacedLayer, 'layer' | 'engine' | 'hooks' | 'mark'>;

/** Counts of leaves that are gone, for the layers that were in them together with others and stay. */
export class LayerCounters {
  readonly #netns: Netns;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #listings = new Map<string, Listing>();
  readonly #earlier = new Map<string, Shaped>();
  readonly #unattended = new Map<string, number>();

  constructor(netns: Netns, clock: Pick<Clock, 'monotonic'>) {
    this.#netns = netns;
    this.#clock = clock;
  }

  /** Everything counted for a layer, not before `since` on the clock that never jumps. */
  async counts(installed: Installed, trees: ReadonlyMap<string, Tree>, since: number): Promise<LayerCounts> {
    const { layer, engine } = installed;
    // First what came by, then what became of it: packets on their way in between are never missing.
    const matched = this.#counter(installed, layerNames.matched(layer), since);
    const hit = strikes(layer) ? this.#counter(installed, layerNames.affected(layer), since).packets : 0;
    const counts = { matched: matched.packets, matchedBytes: matched.bytes, hit };
    if (engine === 'nft') return counts;
    if (engine === 'queue' || engine === 'tap') {
      const unattended = this.#unattended.get(layer.id) ?? 0;
      return { ...counts, unattended, shaped: await this.#inUserSpace(installed, matched.packets - unattended) };
    }
    const leaves = new Map([...trees].map(([device, tree]) => [device, [...tree.leaves.values()]]));
    const now = shapedBy(installed, leaves, await this.#netns.qdiscs());
    return { ...counts, shaped: sum([now, this.#earlier.get(layer.id) ?? nothingShaped]) };
  }

  /** Keeps what `gone` leaves counted for layers that stay. */
  async keep(stay: readonly Installed[], gone: ReadonlyMap<string, readonly Leaf[]>): Promise<void> {
    const marks = [...gone.values()].flat().reduce((bits, leaf) => bits | leaf.marks, 0);
    const affected = stay.filter(({ mark }) => (mark & marks) !== 0);
    if (affected.length === 0) return;
    const qdiscs = await this.#netns.qdiscs();
    for (const installed of affected) {
      const earlier = this.#earlier.get(installed.layer.id) ?? nothingShaped;
      const { held, heldBytes: _lost, drops, ...left } = shapedBy(installed, gone, qdiscs);
      this.#earlier.set(installed.layer.id, sum([earlier, { ...left, held: 0, heldBytes: 0, drops: drops + held }]));
    }
  }

  /** Remembers what these had matched before this daemon: what the queue backend of another one did is not known. */
  adopt(layers: readonly Installed[]): void {
    const since = this.#clock.monotonic();
    for (const installed of layers) {
      if (installed.engine !== 'queue' && installed.engine !== 'tap') continue;
      const { packets } = this.#counter(installed, layerNames.matched(installed.layer), since);
      this.#unattended.set(installed.layer.id, packets);
    }
  }

  /** A layer that is gone has no counts. */
  forget(id: string): void {
    this.#earlier.delete(id);
    this.#unattended.delete(id);
  }

  #counter(installed: Installed, name: string, since: number): Counted {
    const counted = familiesOf(installed).map((family) => this.#listed(family, name, since));
    return counted.reduce((a, b) => ({ packets: a.packets + b.packets, bytes: a.bytes + b.bytes }));
  }

  /**
   * For one counter nft reads all of the namespace, too. So all are listed at once, and every caller that asked before that gets
   * the same: else many faults of a pod cost the square of their number.
   */
  #listed(family: string, name: string, since: number): Counted {
    const known = this.#listings.get(family);
    const found = known !== undefined && known.at >= since ? known.counters.get(name) : undefined;
    if (found !== undefined) return found;
    const at = this.#clock.monotonic();
    const listing = this.#netns.nft([`list counters table ${family} ${TABLE}`]);
    const all = [...listing.matchAll(/counter (\S+) \{\s+packets (\d+) bytes (\d+)/g)];
    const counters = new Map(
      all.map(([, each = '', packets, bytes]) => [each, { packets: Number(packets), bytes: Number(bytes) }]),
    );
    this.#listings.set(family, { at, counters });
    const counted = counters.get(name);
    if (counted === undefined) throw new Error(`the kernel has no counter ${name} in ${family} ${TABLE}`);
    return counted;
  }

  /** What user space took in: packets that it was given are on their way to it at first. */
  async #inUserSpace(installed: Installed, expected: number): Promise<Shaped> {
    let found = nothingShaped;
    for (let asked = 0; asked <= ASKED_AGAIN; asked++) {
      found = sum([
        ...(takesQueue(installed) ? [await this.#queued(installed.mark)] : []),
        ...(takesTap(installed) ? await this.#behindTaps(installed.mark) : []),
      ]);
      if (found.packets + found.held + found.drops + (found.refused ?? 0) >= expected) break;
    }
    return found;
  }

  async #queued(mark: number): Promise<Shaped> {
    const packets = (await this.#netns.queueStatistics()).handled.get(mark) ?? 0;
    return { ...nothingShaped, packets };
  }

  async #behindTaps(mark: number): Promise<Shaped[]> {
    const prefix = tapPrefixOf(mark);
    const taps = [...(await this.#netns.tapStatistics())].filter(([name]) => name.startsWith(prefix));
    return taps.map(([, { packets, bytes, held, heldBytes, lost, refused }]) => ({
      packets: Math.max(0, packets - held - lost - refused),
      bytes,
      held,
      heldBytes,
      drops: lost,
      refused,
    }));
  }
}

function shapedBy(
  { layer, mark }: { readonly layer: Layer; readonly mark: number },
  leaves: ReadonlyMap<string, readonly Leaf[]>,
  qdiscs: readonly Qdisc[],
): Shaped {
  const devices = layer.scope.directions.flatMap((direction) => shapedDevices(layer, direction));
  const handles = new Map(
    devices.map((device) => [
      device,
      new Set((leaves.get(device) ?? []).filter(({ marks }) => (marks & mark) !== 0).map(({ name }) => name)),
    ]),
  );
  const mine = qdiscs.filter(({ device, parent }) => handles.get(device)?.has(parent) === true);
  return sum(mine.map(({ heldPackets: held, ...counted }) => ({ ...counted, held })));
}
