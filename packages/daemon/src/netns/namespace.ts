/** One network namespace with faults in it: takes the kernel from what it holds to what all layers add up to. */
import { isDeepStrictEqual } from 'node:util';
import { asChaosError, ChaosError, type Clock } from '@chaosplane/common';
import type { Netns, NetworkInterface } from '../contract/host.ts';
import { Bringer, type OnError } from './bring.ts';
import { compile } from './compile.ts';
import { LayerCounters, type LayerCounts } from './counters.ts';
import { devicesIn, ShapedDevices } from './devices.ts';
import { isStillThere, nothing, readPresent, withDevices, type Present } from './inventory.ts';
import { freeMark } from './free-mark.ts';
import { layerNames, QUEUE_NUMBER, TABLE } from './names.ts';
import { familiesOf, type PlacedLayer } from './placed-layer.ts';
import { livenessSet } from '../nft/liveness-set.ts';
import { transaction } from '../nft/ruleset.ts';
import { addCommands } from './shaping.ts';

/** A layer that is or will be in the namespace. */
export interface InstalledLayer extends Omit<PlacedLayer, 'remainingMs'> {
  /** When the kernel ends it, in milliseconds since the epoch. */
  readonly deadline: number;
  /** For a tree: transmit queue lengths of its devices before we came, in packets. */
  readonly txQueueLengths?: Readonly<Record<string, number>>;
}

/** What would be done, for a dry run. */
export interface Steps {
  readonly links: readonly string[];
  readonly tc: readonly string[];
  readonly queue: readonly string[];
  readonly taps: readonly string[];
  readonly nft: readonly string[];
}

/** An install that failed, and whose undo failed too: something of it may still be there. */
export class HalfInstalledError extends ChaosError {}

/** How often the kernel is read again when something did not go well: others may be at work at this very moment. */
const READINGS = 2;

/** Not safe for concurrent calls: the engine gives each namespace its turn. */
export class Namespace {
  readonly netns: Netns;
  readonly #clock: Clock;
  readonly #layers = new Map<string, InstalledLayer>();
  readonly #devices: ShapedDevices;
  readonly #tally: LayerCounters;
  readonly #bringer: Bringer;
  /** Undefined: not known, has to be read. */
  #present: Present | undefined;
  /** When each layer ends on the clock that never jumps: a wall clock that is set must not bring an ended fault back. */
  readonly #due = new Map<string, number>();

  /** `fresh`: nothing of ChaosPlane is there, as the engine knows from its journal and its sweep; otherwise it is looked up. */
  constructor(netns: Netns, clock: Clock, options: { fresh: boolean }) {
    this.netns = netns;
    this.#clock = clock;
    this.#devices = new ShapedDevices(netns, clock);
    this.#tally = new LayerCounters(netns, clock);
    this.#bringer = new Bringer(netns, this.#devices, this.#tally);
    this.#present = options.fresh ? nothing : undefined;
  }

  /** How many layers are installed. */
  get size(): number {
    return this.#layers.size;
  }

  /**
   * The bit of the mark that a new layer would get; 0 for one that nft carries out alone.
   * @throws ChaosError FAILED_PRECONDITION when all are taken.
   */
  nextMark(layer: PlacedLayer['layer'], engine: PlacedLayer['engine']): number {
    return freeMark(this.#layers.values(), layer, engine);
  }

  /** The commands that installing `layer` for `ttlMs` would run now. Changes nothing. */
  preview(layer: Omit<InstalledLayer, 'deadline'>, ttlMs: number): Steps {
    const deadline = this.#clock.now() + ttlMs;
    const layers = new Map(this.#layers).set(layer.layer.id, { ...layer, deadline });
    const desired = compile(this.#placed(layers), devicesIn(this.netns.interfaces()));
    const present = this.#present ?? nothing;
    return {
      links: desired.ifbs.filter((ifb) => !present.ifbs.includes(ifb)).map((ifb) => `link add ${ifb} type ifb`),
      tc: [...desired.trees].flatMap(([device, tree]) => addCommands(device, present.trees.get(device), tree)),
      taps: desired.taps.map((tap) => `link add ${tap.name} type tap; ${JSON.stringify(tap)}`),
      queue: desired.queue === undefined ? [] : [`queue ${QUEUE_NUMBER}: ${JSON.stringify(desired.queue.layers)}`],
      nft: transaction(present.tables, desired.tables),
    };
  }

  /**
   * Adds a layer. When that fails, what was done of it is undone, and the first error is thrown. Idempotent. `links`: the
   * interfaces of the namespace, where the caller has just asked for them.
   */
  async install(layer: InstalledLayer, links?: readonly NetworkInterface[]): Promise<void> {
    const before = this.#layers.get(layer.layer.id);
    this.#put(layer);
    try {
      await this.#reconcile('stop', links);
    } catch (error) {
      if (before === undefined) this.#layers.delete(layer.layer.id);
      else this.#put(before);
      await this.#reconcileAfterFailure(error);
      throw error;
    }
  }

  /** Makes the namespace hold `kept` and nothing of `gone`, from any state; for the sweep at a daemon's start. */
  async restore(kept: readonly InstalledLayer[], gone: readonly InstalledLayer[]): Promise<void> {
    for (const { txQueueLengths = {} } of [...kept, ...gone]) {
      for (const [device, packets] of Object.entries(txQueueLengths))
        this.#devices.rememberQueueLength(device, packets);
    }
    this.#layers.clear();
    for (const layer of kept) this.#put(layer);
    await this.#reconcile('go-on');
    this.#tally.adopt(kept);
  }

  /** Removes a layer; what the others do stays as it is. Removing what is not there is success. */
  async remove(id: string): Promise<void> {
    this.#layers.delete(id);
    this.#tally.forget(id);
    await this.#reconcile('undo');
  }

  /**
   * Brings layers that are installed to what is wanted of them now. Deadlines move in the kernel, in place: one transaction that
   * touches nothing but the liveness sets. Where these are not what was remembered, everything is put there again.
   */
  async renew(wanted: readonly InstalledLayer[]): Promise<void> {
    const layers = wanted.filter(({ layer }) => this.#layers.has(layer.id));
    const follow = layers.some(({ layer }) => !isDeepStrictEqual(this.#layers.get(layer.id)?.layer, layer));
    for (const layer of layers) this.#put(layer);
    if (follow || !(await this.#isAsRemembered())) await this.#reconcile('go-on');
    const commands: string[] = [];
    for (const placed of layers) {
      const set = livenessSet(layerNames.live(placed.layer), placed.deadline - this.#clock.now());
      for (const family of familiesOf(placed)) {
        const name = `${family} ${TABLE} ${set.name}`;
        // Adding an element that exists extends it on newer kernels only (not on 6.1); flush and add does on all.
        commands.push(`flush set ${name}`, `add element ${name} { ${set.elements.join(', ')} }`);
      }
    }
    if (commands.length === 0) return;
    try {
      this.netns.nft(commands);
    } catch {
      this.#present = undefined;
      await this.#reconcile('go-on');
    }
  }

  /** What was counted for a layer that is installed, not before `since` on the clock that never jumps; by default now. */
  async counts(id: string, since = this.#clock.monotonic()): Promise<LayerCounts | undefined> {
    const installed = this.#layers.get(id);
    if (installed === undefined) return undefined;
    return this.#tally.counts(installed, this.#present?.trees ?? new Map(), since);
  }

  /** Lets the namespace go. What is installed in it stays. */
  async close(): Promise<void> {
    await this.netns.close();
  }

  #put(layer: InstalledLayer): void {
    this.#layers.set(layer.layer.id, layer);
    this.#due.set(layer.layer.id, this.#clock.monotonic() + (layer.deadline - this.#clock.now()));
  }

  #placed(layers: ReadonlyMap<string, InstalledLayer>): PlacedLayer[] {
    const now = this.#clock.monotonic();
    return [...layers.values()].map(({ deadline, ...placed }) => {
      const due = this.#due.get(placed.layer.id) ?? now + (deadline - this.#clock.now());
      return { ...placed, remainingMs: Math.max(1, due - now) };
    });
  }

  /** The interfaces of the namespace, with those that are ours. */
  interfaces(): readonly NetworkInterface[] {
    return this.netns.interfaces();
  }

  /** The devices' transmit queue lengths as they were before we came, in packets. */
  queueLengths(links: readonly NetworkInterface[]): Readonly<Record<string, number>> {
    return Object.fromEntries(links.map((link) => [link.name, this.#devices.queueLength(link)]));
  }

  /** The undo of a failed install. When it fails too, the kernel is read again before the next attempt. */
  async #reconcileAfterFailure(first: unknown): Promise<void> {
    this.#present = undefined;
    try {
      await this.#reconcile('undo');
    } catch (second) {
      this.#present = undefined;
      const message = `${asChaosError(first).message}; and undoing what had been done failed: ${asChaosError(second).message}`;
      throw new HalfInstalledError('INTERNAL', message, { cause: second });
    }
  }

  /** What was remembered may have been changed by others (`nft flush ruleset`): then it is read, and tried again. */
  async #reconcile(onError: OnError, links?: readonly NetworkInterface[]): Promise<void> {
    const remembered = this.#present;
    if (remembered !== undefined && (await this.#isAsRemembered())) {
      try {
        await this.#bring(remembered, onError === 'undo' ? 'go-on' : onError, links);
        return;
      } catch (error) {
        if (onError === 'stop' && error instanceof ChaosError) throw error;
      }
    }
    for (let left = READINGS; left > 0; left -= 1) {
      try {
        await this.#bring(
          await readPresent(this.netns, remembered),
          onError === 'undo' && left > 1 ? 'go-on' : onError,
        );
        return;
      } catch (error) {
        if (left === 1 || (onError === 'stop' && error instanceof ChaosError)) throw error;
      }
    }
  }

  async #isAsRemembered(): Promise<boolean> {
    if (this.#present === undefined) return false;
    // Tables that go do so wherever their chains are hooked.
    const looked = this.#layers.size === 0 ? { ...this.#present, hooked: new Map<string, number>() } : this.#present;
    try {
      return await isStillThere(this.netns, looked);
    } catch {
      return false;
    }
  }

  async #bring(present: Present, onError: OnError, links?: readonly NetworkInterface[]): Promise<void> {
    const layers = withDevices(this.#placed(this.#layers), present);
    // Until it is all done, nothing is known for certain.
    this.#present = undefined;
    this.#present = await this.#bringer.bring(present, layers, onError, links);
  }
}
