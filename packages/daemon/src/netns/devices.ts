/** The devices of a namespace that shape: our queueing trees on them, and our IFB devices; brought there and removed. */
import { ChaosError, type Clock, defined } from '@chaosplane/common';
import type { Netns, NetworkInterface, Qdisc } from '../contract/host.ts';
import type { Desired } from './compile.ts';
import type { Devices } from './device-facts.ts';
import { treesOf, type Present } from './inventory.ts';
import { carriedBy } from './interfaces.ts';
import { ROOT_HANDLE } from './names.ts';
import { addCommands, removeCommands, type Leaf, type Tree } from './shaping.ts';

/** How long an undo waits at most for packets that still sit in a leaf that is removed. */
const LONGEST_DRAIN_MS = 3000;

/** How long between two looks at whether they have left. */
const LONGEST_LOOK_MS = 50;

/** The devices as rules and trees need them. */
export function devicesIn(links: readonly NetworkInterface[]): Devices {
  return new Map(
    links.map(({ name, index, mtu }) => {
      const carries = carriedBy(index, links);
      return [name, { index, mtu, ...defined({ carries }) }];
    }),
  );
}

/** What is known of the devices of one namespace. */
export class ShapedDevices {
  readonly #netns: Netns;
  readonly #clock: Clock;
  /** Transmit queue lengths, in packets, as they were before we came. */
  readonly #queueLengths = new Map<string, number>();

  constructor(netns: Netns, clock: Clock) {
    this.#netns = netns;
    this.#clock = clock;
  }

  /** The device's transmit queue length as it was before we came, in packets. */
  queueLength({ name, txQueueLength }: NetworkInterface): number {
    return this.#queueLengths.get(name) ?? txQueueLength;
  }

  /** What an earlier daemon saw. */
  rememberQueueLength(device: string, packets: number): void {
    this.#queueLengths.set(device, packets);
  }

  /** Makes the IFB devices that are missing. */
  addIfbs(present: Present, desired: Desired): void {
    for (const ifb of desired.ifbs) if (!present.ifbs.includes(ifb)) this.#netns.addIfb(ifb);
  }

  /** `links`: every interface, as it is now. */
  async addTrees(present: Present, desired: Desired, links: readonly NetworkInterface[]): Promise<void> {
    for (const [device, tree] of desired.trees) {
      const commands = addCommands(device, present.trees.get(device), tree);
      if (commands.length === 0) continue;
      const now = links.find(({ name }) => name === device);
      if (now !== undefined) this.#queueLengths.set(device, this.queueLength(now));
      try {
        await this.#netns.tc(commands);
      } catch (error) {
        throw await this.#explainForeignRoot(device, error);
      }
    }
  }

  /**
   * Removes leaves, trees and IFB devices that are no longer wanted, once what waits in them has left. `beforeRemoval` is
   * told which leaves go, while they still count.
   */
  async remove(
    present: Present,
    desired: Desired,
    beforeRemoval: (gone: ReadonlyMap<string, readonly Leaf[]>) => Promise<void>,
  ): Promise<void> {
    const ifbs = present.ifbs.filter((ifb) => !desired.ifbs.includes(ifb));
    const gone = new Map(
      [...present.trees].map(([device, { leaves }]) => {
        const wanted = desired.trees.get(device)?.leaves;
        return [device, [...leaves].filter(([name]) => wanted?.has(name) !== true).map(([, leaf]) => leaf)] as const;
      }),
    );
    await this.#drain(gone);
    await beforeRemoval(gone);
    // A tree goes with its device.
    const trees = [...present.trees].filter(([device]) => !ifbs.includes(device));
    const steps = [
      ...trees.map(
        ([device, tree]) =>
          () =>
            this.#removeTree(device, tree, desired.trees.get(device)),
      ),
      ...ifbs.map((ifb) => () => this.#removeIfb(ifb)),
    ];
    const errors: unknown[] = [];
    for (const step of steps) await step().catch((error: unknown) => errors.push(error));
    if (errors.length > 0) throw errors[0];
  }

  /** Removes IFB devices that are no longer wanted, with all that is on them. */
  async removeIfbs(present: Present, desired: Desired): Promise<void> {
    for (const ifb of present.ifbs) if (!desired.ifbs.includes(ifb)) await this.#removeIfb(ifb);
  }

  async #removeTree(device: string, tree: Tree, wanted: Tree | undefined): Promise<void> {
    const commands = removeCommands(device, tree, wanted);
    try {
      if (commands.length > 0) await this.#netns.tc(commands);
    } catch (error) {
      // A root that is gone is what was wanted; a class that is gone leaves the rest of the batch undone.
      if (wanted !== undefined || (await this.#hasTree(device))) throw error;
    }
    if (wanted === undefined) this.#restoreQueueLength(device);
  }

  async #hasTree(device: string): Promise<boolean> {
    return treesOf(await this.#netns.qdiscs()).has(device);
  }

  async #removeIfb(ifb: string): Promise<void> {
    await this.#netns.removeLink(ifb);
    this.#queueLengths.delete(ifb);
  }

  /** Nothing is steered there any more; what is still in a leaf leaves by itself, unless the leaf is removed under it. */
  async #drain(gone: ReadonlyMap<string, readonly Leaf[]>): Promise<void> {
    const longestMs = Math.max(0, ...[...gone.values()].flat().map((leaf) => leaf.longestMs));
    const end = this.#clock.monotonic() + Math.min(LONGEST_DRAIN_MS, longestMs);
    const isHeld = ({ device, parent, heldPackets }: Qdisc): boolean =>
      heldPackets > 0 && gone.get(device)?.some(({ name }) => name === parent) === true;
    for (let waitMs = 1; this.#clock.monotonic() < end; waitMs = Math.min(2 * waitMs, LONGEST_LOOK_MS)) {
      // Before the first look too: a packet may have been on its way from the rules to its leaf.
      await this.#clock.sleep(Math.min(waitMs, Math.max(0, end - this.#clock.monotonic())));
      if (!(await this.#netns.qdiscs()).some(isHeld)) return;
    }
  }

  /** Adding a root qdisc raises a transmit queue length of 0 to the default of the kernel. */
  #restoreQueueLength(device: string): void {
    const before = this.#queueLengths.get(device);
    this.#queueLengths.delete(device);
    const now = this.#foundQueueLength(device);
    if (before !== undefined && now !== undefined && before !== now) this.#netns.setTxQueueLength(device, before);
  }

  /** Undefined: there is no such device (any more). */
  #foundQueueLength(device: string): number | undefined {
    return this.#netns.interfaces().find(({ name }) => name === device)?.txQueueLength;
  }

  async #explainForeignRoot(device: string, error: unknown): Promise<unknown> {
    const roots = (await this.#netns.qdiscs()).filter((qdisc) => qdisc.device === device && qdisc.parent === 'root');
    const foreign = roots.find(({ handle }) => handle !== '0:' && handle !== ROOT_HANDLE);
    if (foreign === undefined) return error;
    const what = `${device} of the pod already has a root qdisc that is not ours (${foreign.kind} ${foreign.handle})`;
    const wayOut =
      'remove it; for delays and corruptions the daemon can use the queue engine (--network-engine queue), which needs no qdisc';
    return new ChaosError('FAILED_PRECONDITION', `${what}, and it is never replaced: ${wayOut}`, { cause: error });
  }
}
