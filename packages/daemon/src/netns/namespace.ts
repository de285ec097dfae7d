/** One network namespace with faults in it: takes the kernel from what it holds to what all layers add up to. */
import { isDeepStrictEqual } from 'node:util';
import { asChaosError, ChaosError, type Clock } from '@chaosplane/common';
import type { Netns } from '../host/host.ts';
import { compile, type Desired } from './compile.ts';
import { Tally, type LayerCounts } from './counts.ts';
import { ShapedDevices } from './devices.ts';
import { nothing, readPresent, type Present } from './inventory.ts';
import { MARK_BITS, MARK_MASK, markOf, QUEUE_NUMBER, QUEUE_TABLE, TABLE } from './names.ts';
import { namesDevices, type PlacedLayer } from './placed.ts';
import { inventoryOf, transaction } from './ruleset.ts';
import { livenessSet } from './scope.ts';
import { addCommands } from './shaping.ts';

/** A layer that is or will be in the namespace. */
export interface InstalledLayer extends Omit<PlacedLayer, 'remainingMs'> {
  /** When the kernel ends it, in milliseconds since the epoch. */
  readonly deadline: number;
  /** For a tree: the device's transmit queue length before we came, in packets. */
  readonly txQueueLength?: number;
}

/** What would be done, for a dry run. */
export interface Steps {
  readonly links: readonly string[];
  readonly tc: readonly string[];
  readonly queue: readonly string[];
  readonly nft: readonly string[];
}

/** An install that failed, and whose undo failed too: something of it may still be there. */
export class HalfInstalledError extends ChaosError {}

/** An injection stops at the first error and is undone; an undo does all its steps, whatever one of them says. */
type OnError = 'stop' | 'go-on';

/** Not safe for concurrent calls: the engine gives each namespace its turn. */
export class Namespace {
  readonly netns: Netns;
  readonly #clock: Clock;
  readonly #layers = new Map<string, InstalledLayer>();
  readonly #devices: ShapedDevices;
  readonly #tally: Tally;
  /** Undefined: not known, has to be read. */
  #present: Present | undefined;
  /** When each layer ends on the clock that never jumps: a wall clock that is set must not bring an ended fault back. */
  readonly #due = new Map<string, number>();
  #serving = false;

  /** `fresh`: nothing of ours is there, as the engine knows from its journal and its sweep; otherwise it is looked up. */
  constructor(netns: Netns, clock: Clock, options: { fresh: boolean }) {
    this.netns = netns;
    this.#clock = clock;
    this.#devices = new ShapedDevices(netns, clock);
    this.#tally = new Tally(netns);
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
    if (engine === 'nft') return 0;
    const shaping = [...this.#layers.values()].filter((installed) => installed.mark !== 0);
    const delays = [layer, ...shaping.map((installed) => installed.layer)].flatMap(({ effect }) =>
      effect.kind === 'delay' ? [effect] : [],
    );
    if (delays.length > 1 && layer.effect.kind === 'delay' && delays.some((effect) => effect.correlationPercent > 0)) {
      const message = 'a delay with correlation cannot be combined with another delay in the same pod';
      throw new ChaosError('FAILED_PRECONDITION', `${message}: cancel the other one, or leave correlation out`);
    }
    const taken = new Set(shaping.map((installed) => installed.mark));
    const free = Array.from({ length: MARK_BITS }, (_, index) => markOf(index)).find((mark) => !taken.has(mark));
    if (free !== undefined) return free;
    const message = `this pod already has ${MARK_BITS} faults that delay, corrupt or limit, and no more can be combined`;
    throw new ChaosError('FAILED_PRECONDITION', `${message}: cancel one of them first`);
  }

  /** The commands that installing `layer` for `ttlMs` would run now. Changes nothing. */
  preview(layer: Omit<InstalledLayer, 'deadline'>, ttlMs: number): Steps {
    const deadline = this.#clock.now() + ttlMs;
    const layers = new Map(this.#layers).set(layer.layer.id, { ...layer, deadline });
    const desired = compile(this.#placed(layers), this.#devices.known());
    const present = this.#present ?? nothing;
    return {
      links: desired.ifbs.filter((ifb) => !present.ifbs.includes(ifb)).map((ifb) => `link add ${ifb} type ifb`),
      tc: [...desired.trees].flatMap(([device, tree]) => addCommands(device, present.trees.get(device), tree)),
      queue: desired.queue === undefined ? [] : [`queue ${QUEUE_NUMBER}: ${JSON.stringify(desired.queue.layers)}`],
      nft: transaction(present.tables, desired.tables),
    };
  }

  /** Adds a layer. When that fails, what was done of it is undone, and the first error is thrown. Idempotent. */
  async install(layer: InstalledLayer): Promise<void> {
    const before = this.#layers.get(layer.layer.id);
    this.#put(layer);
    try {
      await this.#reconcile('stop');
    } catch (error) {
      if (before === undefined) this.#layers.delete(layer.layer.id);
      else this.#put(before);
      await this.#reconcileAfterFailure(error);
      throw error;
    }
  }

  /** Makes the namespace hold `kept` and nothing of `gone`, whatever it held; for the sweep at a daemon's start. */
  async restore(kept: readonly InstalledLayer[], gone: readonly InstalledLayer[]): Promise<void> {
    for (const { layer, txQueueLength } of [...kept, ...gone]) {
      if (txQueueLength !== undefined) this.#devices.rememberQueueLength(layer.scope.interface, txQueueLength);
    }
    this.#layers.clear();
    for (const layer of kept) this.#put(layer);
    await this.#reconcile('go-on');
  }

  /** Removes a layer; what the others do stays as it is. Removing what is not there is success. */
  async remove(id: string): Promise<void> {
    this.#layers.delete(id);
    this.#tally.forget(id);
    await this.#reconcile('go-on');
  }

  /**
   * Brings layers that are installed to what is wanted of them now. Deadlines move in the kernel, in place: one transaction that
   * touches nothing but the liveness sets. Where these are not what was remembered, everything is put there anew.
   */
  async renew(wanted: readonly InstalledLayer[]): Promise<void> {
    const layers = wanted.filter(({ layer }) => this.#layers.has(layer.id));
    const follow = layers.some(({ layer }) => !isDeepStrictEqual(this.#layers.get(layer.id)?.layer, layer));
    for (const layer of layers) this.#put(layer);
    if (follow) await this.#reconcile('go-on');
    const commands: string[] = [];
    for (const { layer, hooks, deadline } of layers) {
      const set = livenessSet(layer, deadline - this.#clock.now());
      const name = `${hooks} ${TABLE} ${set.name}`;
      // Adding an element that exists extends it on newer kernels only (not on 6.1); flush and add does on all.
      commands.push(`flush set ${name}`, `add element ${name} { ${set.elements.join(', ')} }`);
    }
    if (commands.length === 0) return;
    try {
      this.netns.nft(commands);
    } catch {
      this.#present = undefined;
      await this.#reconcile('go-on');
    }
  }

  /** What was counted for a layer that is installed. */
  async counts(id: string): Promise<LayerCounts | undefined> {
    const installed = this.#layers.get(id);
    if (installed === undefined) return undefined;
    return this.#tally.counts(installed, this.#present?.trees ?? new Map());
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

  /** @throws ChaosError FAILED_PRECONDITION, naming those that there are, when the pod has no such interface. */
  requireInterface(device: string): void {
    this.#devices.requireInterface(device);
  }

  /** The device's transmit queue length as it was before we came, in packets. */
  queueLength(device: string): number {
    return this.#devices.queueLength(device);
  }

  /** The undo of a failed install. When it fails too, the kernel is read again before the next attempt. */
  async #reconcileAfterFailure(first: unknown): Promise<void> {
    this.#present = undefined;
    try {
      await this.#reconcile('go-on');
    } catch (second) {
      this.#present = undefined;
      const message = `${asChaosError(first).message}; and undoing what had been done failed: ${asChaosError(second).message}`;
      throw new HalfInstalledError('INTERNAL', message, { cause: second });
    }
  }

  /** What was remembered may have been changed by others (`nft flush ruleset`): then it is read, and tried once more. */
  async #reconcile(onError: OnError): Promise<void> {
    const remembered = this.#present;
    if (remembered !== undefined) {
      try {
        await this.#bring(remembered, onError);
        return;
      } catch (error) {
        if (error instanceof ChaosError) throw error;
      }
    }
    await this.#bring(await readPresent(this.netns), onError);
  }

  /** Shaping comes before steering and goes after it, or packets would be steered to nothing. */
  async #bring(present: Present, onError: OnError): Promise<void> {
    const placed = this.#placed(this.#layers);
    // Rules name devices by their numbers, and an IFB that is made now has none yet.
    let desired = compile(placed);
    // Until it is all done, nothing is known for certain.
    this.#present = undefined;
    const errors: unknown[] = [];
    const steps: readonly (() => unknown)[] = [
      () => this.#devices.addIfbs(present, desired),
      () => (desired = placed.some(namesDevices) ? compile(placed, this.#devices.known()) : desired),
      () => this.#devices.addTrees(present, desired),
      () => this.#startQueue(present, desired),
      () => this.#transact(present, desired),
      () => this.#devices.remove(present, desired, (gone) => this.#tally.keep(placed, gone)),
      () => this.#endQueue(present, desired),
    ];
    for (const step of steps) {
      try {
        await step();
      } catch (error) {
        if (onError === 'stop') throw error;
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
    this.#present = {
      tables: inventoryOf(desired.tables),
      ifbs: desired.ifbs,
      trees: desired.trees,
      queueTable: desired.queue !== undefined,
    };
  }

  #transact(present: Present, desired: Desired): void {
    const commands = transaction(present.tables, desired.tables);
    if (commands.length > 0) this.netns.nft(commands);
  }

  async #startQueue(present: Present, desired: Desired): Promise<void> {
    if (desired.queue === undefined) return;
    this.#serving = true;
    await this.netns.serveQueue(QUEUE_NUMBER, desired.queue);
    if (!present.queueTable) this.netns.addQueueTable(QUEUE_TABLE, MARK_MASK, QUEUE_NUMBER);
  }

  async #endQueue(present: Present, desired: Desired): Promise<void> {
    if (desired.queue !== undefined) return;
    if (present.queueTable) this.netns.nft([`delete table inet ${QUEUE_TABLE}`]);
    if (this.#serving) await this.netns.stopQueue();
    this.#serving = false;
  }
}
