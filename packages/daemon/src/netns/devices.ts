/** The devices of a namespace that shape: our queueing trees on them, and our IFB devices; brought there and removed. */
import { ChaosError, type Clock } from '@chaosplane/common';
import type { Netns } from '../host/host.ts';
import type { Desired, Devices } from './compile.ts';
import type { Present } from './inventory.ts';
import { IFB_PREFIX, ROOT_HANDLE } from './names.ts';
import { addCommands, removeCommands, type Leaf } from './shaping.ts';

/** How long an undo waits at most for packets that still sit in a leaf that is removed. */
const LONGEST_DRAIN_MS = 3000;

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

  /** The devices as rules and trees need them. */
  known(): Devices {
    return new Map(this.#netns.interfaces().map(({ name, index, mtu }) => [name, { index, mtu }]));
  }

  /** @throws ChaosError FAILED_PRECONDITION, naming those that there are, when the pod has no such interface. */
  requireInterface(device: string): void {
    const names = this.#netns.interfaces().flatMap(({ name }) => (name.startsWith(IFB_PREFIX) ? [] : [name]));
    if (names.includes(device)) return;
    const message = `the pod has no network interface ${device}`;
    throw new ChaosError(
      'FAILED_PRECONDITION',
      `${message}: set the parameter interface to one of ${names.join(', ')}`,
    );
  }

  /** The device's transmit queue length as it was before we came, in packets. */
  queueLength(device: string): number {
    return this.#queueLengths.get(device) ?? this.#currentQueueLength(device);
  }

  /** What an earlier daemon saw. */
  rememberQueueLength(device: string, packets: number): void {
    this.#queueLengths.set(device, packets);
  }

  /** Makes the IFB devices that are missing. */
  addIfbs(present: Present, desired: Desired): void {
    for (const ifb of desired.ifbs) if (!present.ifbs.includes(ifb)) this.#netns.addIfb(ifb);
  }

  async addTrees(present: Present, desired: Desired): Promise<void> {
    for (const [device, tree] of desired.trees) {
      const commands = addCommands(device, present.trees.get(device), tree);
      if (commands.length === 0) continue;
      this.#queueLengths.set(device, this.queueLength(device));
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
    // Nothing is steered there any more; what is still in a leaf leaves by itself, unless the leaf is removed under it.
    const drainMs = Math.max(0, ...[...gone.values()].flat().map(({ longestMs }) => longestMs));
    if (drainMs > 0) await this.#clock.sleep(Math.min(LONGEST_DRAIN_MS, drainMs));
    await beforeRemoval(gone);
    for (const [device, tree] of present.trees) {
      // A tree goes with its device.
      if (ifbs.includes(device)) continue;
      const wanted = desired.trees.get(device);
      const commands = removeCommands(device, tree, wanted);
      if (commands.length > 0) await this.#netns.tc(commands);
      if (wanted === undefined) this.#restoreQueueLength(device);
    }
    for (const ifb of ifbs) {
      await this.#netns.removeLink(ifb);
      this.#queueLengths.delete(ifb);
    }
  }

  /** Adding a root qdisc raises a transmit queue length of 0 to the default of the kernel. */
  #restoreQueueLength(device: string): void {
    const before = this.#queueLengths.get(device);
    this.#queueLengths.delete(device);
    if (before !== undefined && before !== this.#currentQueueLength(device))
      this.#netns.setTxQueueLength(device, before);
  }

  #currentQueueLength(device: string): number {
    return this.#netns.interfaces().find(({ name }) => name === device)?.txQueueLength ?? 0;
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
