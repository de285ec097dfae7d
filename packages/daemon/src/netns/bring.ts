/** Takes one namespace from what it holds to what its layers add up to, in an order in which no packet is steered to nothing. */
import type { Netns, NetworkInterface } from '../contract/host.ts';
import { compile, type Desired } from './compile.ts';
import type { LayerCounters } from './counters.ts';
import { devicesIn, type ShapedDevices } from './devices.ts';
import type { Present } from './inventory.ts';
import { isOurDevice, MARK_MASK, QUEUE_NUMBER, QUEUE_TABLE } from './names.ts';
import type { PlacedLayer } from './placed-layer.ts';
import { deviceOf, inventoryOf, keepingHooks, transaction, type Inventory, type Table } from '../nft/ruleset.ts';

/**
 * An injection stops at the first error and is undone. What is in force already does all its steps, also after one that failed.
 * An undo has succeeded, besides, when what stays could not be built again: that is no business of what goes.
 */
export type OnError = 'stop' | 'go-on' | 'undo';

/** Remembers what of the queue of its namespace is this process's. */
export class Bringer {
  readonly #netns: Netns;
  readonly #devices: ShapedDevices;
  readonly #tally: LayerCounters;
  #serving = false;
  #madeQueueTable = false;

  constructor(netns: Netns, devices: ShapedDevices, tally: LayerCounters) {
    this.#netns = netns;
    this.#devices = devices;
    this.#tally = tally;
  }

  /**
   * Returns what the namespace holds then; undefined when that is not known for certain. `links`: its interfaces, where they were
   * just listed. Shaping comes before steering and goes after it.
   */
  async bring(
    present: Present,
    layers: readonly PlacedLayer[],
    onError: OnError,
    links?: readonly NetworkInterface[],
  ): Promise<Present | undefined> {
    // An empty namespace has no rules, regardless of its devices.
    const list = (): readonly NetworkInterface[] => (layers.length === 0 ? [] : this.#netns.interfaces());
    let listed = links ?? list();
    let desired = compile(layers, devicesIn(listed));
    const compileAgain = (): void => {
      listed = list();
      desired = compile(layers, devicesIn(listed));
    };
    const [unbuilt, errors]: [unknown[], unknown[]] = [[], []];
    const queues = present.queueTable || desired.queue !== undefined;
    const tables = (): readonly Table[] => (queues ? keepingHooks(present.tables, desired.tables) : desired.tables);
    // The last queue of the namespace has gone: the hooks that stayed for it may go, too.
    const ends = (): boolean => queues && desired.queue === undefined;
    // A hook goes with its device.
    const ifbs = (): readonly string[] => (queues ? [...new Set([...desired.ifbs, ...present.ifbs])] : desired.ifbs);
    const kept = (): Desired => ({ ...desired, ifbs: ifbs() });
    const steps: readonly (readonly [unknown[], () => unknown])[] = [
      [unbuilt, () => this.#devices.addIfbs(present, desired)],
      // Rules name devices by their numbers, and an IFB that is made now had none yet.
      [unbuilt, () => desired.ifbs.length > 0 && compileAgain()],
      [unbuilt, () => this.#devices.addTrees(present, desired, listed)],
      [unbuilt, () => this.#startQueue(present, desired)],
      // Before the rules also when a device goes: what it lets go is not looked at again by the rules that stay.
      [unbuilt, () => this.#netns.serveTaps(desired.taps, { keepHooks: queues })],
      [errors, () => this.#transact(present.tables, tables(), present.madeAgain)],
      [errors, () => this.#devices.remove(present, kept(), (gone) => this.#tally.keep(layers, gone))],
      [errors, () => this.#endQueue(present, desired)],
      [errors, () => ends() && this.#transact(inventoryOf(tables()), desired.tables)],
      [errors, () => ends() && this.#netns.serveTaps(desired.taps, { keepHooks: false })],
      [errors, () => ends() && this.#devices.removeIfbs(present, desired)],
    ];
    for (const [failed, step] of steps) {
      try {
        await step();
      } catch (error) {
        if (onError === 'stop') throw error;
        failed.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
    if (unbuilt.length > 0) {
      if (onError === 'undo') return undefined;
      throw unbuilt[0];
    }
    return {
      tables: inventoryOf(desired.queue === undefined ? desired.tables : tables()),
      ifbs: desired.queue === undefined ? desired.ifbs : ifbs(),
      trees: desired.trees,
      queueTable: desired.queue !== undefined,
      taps: desired.taps.map(({ name }) => name),
      hooked: hookedBy(desired.tables, listed),
    };
  }

  #transact(present: Inventory, tables: readonly Table[], madeAgain?: ReadonlySet<string>): void {
    const commands = transaction(present, tables, madeAgain);
    if (commands.length > 0) this.#netns.nft(commands);
  }

  async #startQueue(present: Present, desired: Desired): Promise<void> {
    if (desired.queue === undefined) return;
    this.#serving = true;
    await this.#netns.serveQueue(QUEUE_NUMBER, desired.queue);
    // One that another daemon made may be of a build whose marks were set at other priorities.
    if (present.queueTable && this.#madeQueueTable) return;
    this.#netns.addQueueTable(QUEUE_TABLE, MARK_MASK, QUEUE_NUMBER);
    this.#madeQueueTable = true;
  }

  /** What waits is let go before the table is taken away, which would drop it. */
  async #endQueue(present: Present, desired: Desired): Promise<void> {
    if (desired.queue !== undefined) return;
    if (this.#serving) await this.#netns.stopQueue();
    this.#serving = false;
    if (present.queueTable) this.#netns.nft([`delete table inet ${QUEUE_TABLE}`]);
  }
}

/** The devices that chains of these tables hook into. Those of ChaosPlane are looked after by themselves. */
function hookedBy(tables: readonly Table[], links: readonly NetworkInterface[]): ReadonlyMap<string, number> {
  const devices = new Set(tables.flatMap(({ chains }) => chains.flatMap((chain) => deviceOf(chain) ?? [])));
  const found = links.filter(({ name }) => devices.has(name) && !isOurDevice(name));
  return new Map(found.map(({ name, index }) => [name, index]));
}
