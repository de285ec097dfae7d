/** What the kernel and the queue engine counted for the layers of a namespace. */
import type { Netns, Qdisc } from '../host/host.ts';
import { strikes } from './hit.ts';
import type { Layer } from './layer.ts';
import { layerNames, TABLE } from './names.ts';
import { shapedDevice, type PlacedLayer } from './placed.ts';
import type { Leaf, Tree } from './shaping.ts';

/** What was counted for one layer. */
export interface LayerCounts {
  readonly matched: number;
  readonly matchedBytes: number;
  /** Packets that nft dropped, copied, or chose to be corrupted. */
  readonly struck: number;
  /** What left its leaves or the queue engine; absent where neither shapes. */
  readonly shaped?: Shaped;
}

/** What went through a queue. */
export interface Shaped {
  readonly packets: number;
  readonly bytes: number;
  /** Packets that found it full. */
  readonly drops: number;
}

/** At the moment of injection, without asking the kernel. */
export const NOTHING_COUNTED: LayerCounts = {
  matched: 0,
  matchedBytes: 0,
  struck: 0,
  shaped: { packets: 0, bytes: 0, drops: 0 },
};

const nothingShaped: Shaped = { packets: 0, bytes: 0, drops: 0 };

const sum = (parts: readonly Shaped[]): Shaped =>
  parts.reduce(
    (a, b) => ({ packets: a.packets + b.packets, bytes: a.bytes + b.bytes, drops: a.drops + b.drops }),
    nothingShaped,
  );

type Installed = Pick<PlacedLayer, 'layer' | 'engine' | 'hooks' | 'mark'>;

/** Counts of leaves that are gone, for the layers that were in them together with others and stay. */
export class Tally {
  readonly #netns: Netns;
  readonly #earlier = new Map<string, Shaped>();

  constructor(netns: Netns) {
    this.#netns = netns;
  }

  /** Everything counted for a layer. */
  async counts(installed: Installed, trees: ReadonlyMap<string, Tree>): Promise<LayerCounts> {
    const { layer, engine } = installed;
    const matched = this.#counter(installed, layerNames.matched(layer));
    const struck = strikes(layer) ? this.#counter(installed, layerNames.struck(layer)).packets : 0;
    const counts = { matched: matched.packets, matchedBytes: matched.bytes, struck };
    if (engine === 'nft') return counts;
    if (engine === 'queue') {
      const packets = (await this.#netns.queueStatistics()).handled.get(installed.mark) ?? 0;
      return { ...counts, shaped: { ...nothingShaped, packets } };
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
      this.#earlier.set(installed.layer.id, sum([earlier, shapedBy(installed, gone, qdiscs)]));
    }
  }

  /** A layer that is gone has no counts. */
  forget(id: string): void {
    this.#earlier.delete(id);
  }

  #counter(installed: Installed, name: string): { packets: number; bytes: number } {
    const listing = this.#netns.nft([`list counter ${installed.hooks} ${TABLE} ${name}`]);
    const match = /packets (\d+) bytes (\d+)/.exec(listing);
    return { packets: Number(match?.[1] ?? 0), bytes: Number(match?.[2] ?? 0) };
  }
}

function shapedBy(
  { layer, mark }: { readonly layer: Layer; readonly mark: number },
  leaves: ReadonlyMap<string, readonly Leaf[]>,
  qdiscs: readonly Qdisc[],
): Shaped {
  const devices = layer.scope.directions.map((direction) => shapedDevice(layer, direction));
  const handles = new Map(
    devices.map((device) => [
      device,
      new Set((leaves.get(device) ?? []).filter(({ marks }) => (marks & mark) !== 0).map(({ name }) => name)),
    ]),
  );
  return sum(qdiscs.filter(({ device, parent }) => handles.get(device)?.has(parent) === true));
}
