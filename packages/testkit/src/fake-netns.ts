/** A stand-in for one network namespace: nftables, qdiscs, links and the queue engine, printable as text. */
import type { Netns, Qdisc, QueuePolicy } from '@chaosplane/daemon/host';
import { FakeNft } from './fake-nft.ts';

interface FakeTree {
  readonly root: string;
  readonly classes: Map<string, string>;
}

/** What the fake kernel holds for one namespace; survives the daemons that come and go. */
export class FakeNetns {
  readonly path: string;
  readonly cookie: string;
  readonly nft = new FakeNft();
  readonly #trees = new Map<string, FakeTree>();
  readonly #queueLengths = new Map([
    ['eth0', 1000],
    ['lo', 1000],
  ]);
  #queueTable = '';
  queue: QueuePolicy | undefined;
  /** How many handles are open; a namespace with open handles is pinned. */
  handles = 0;

  constructor(path: string, cookie: string) {
    this.path = path;
    this.cookie = cookie;
  }

  /** The whole state as text: equal texts, equal namespaces. */
  print(): string {
    return [
      this.nft.print(),
      this.#queueTable,
      ...[...this.#trees].map(([device, { root, classes }]) =>
        [`qdisc ${device} ${root}`, ...[...classes].sort().map(([name, leaf]) => `  class ${name} ${leaf}`)].join('\n'),
      ),
      ...[...this.#queueLengths].map(([device, length]) => `link ${device} qlen ${length}`),
      this.queue === undefined ? '' : `queue ${JSON.stringify(this.queue)}`,
    ]
      .filter((part) => part !== '')
      .join('\n');
  }

  /** Puts a qdisc there that is not ours. */
  addForeignRoot(device: string, kind: string): void {
    this.#trees.set(device, { root: `1: ${kind}`, classes: new Map() });
  }

  /** Opens the namespace, as a daemon does. */
  open(): Netns {
    this.handles++;
    let closed = false;
    return {
      path: this.path,
      cookie: this.cookie,
      nft: (commands) => {
        if (commands.some((command) => command === `delete table inet chaosplane_queue`)) this.#queueTable = '';
        const rest = commands.filter((command) => !command.endsWith('inet chaosplane_queue'));
        const listed = this.nft.run(rest);
        return commands.includes('list tables') && this.#queueTable !== ''
          ? `${listed}table inet chaosplane_queue\n`
          : listed;
      },
      tc: async (commands) => {
        for (const command of commands) this.#tc(command);
      },
      qdiscs: async () => this.#qdiscs(),
      interfaces: () =>
        [...this.#queueLengths].map(([name, txQueueLength]) => ({ name, addresses: ['10.0.0.2'], txQueueLength })),
      setTxQueueLength: (device, packets) => void this.#queueLengths.set(device, packets),
      addQueueTable: (table, mask, queue) => {
        this.#queueTable = `table inet ${table} mask ${mask} queue ${queue}`;
      },
      serveQueue: async (_queue, policy) => {
        this.queue = policy;
      },
      stopQueue: async () => {
        this.queue = undefined;
      },
      queueStatistics: async () => ({ delayed: new Map((this.queue?.layers ?? []).map(({ bit }) => [bit, 7])) }),
      close: async () => {
        if (!closed) this.handles--;
        closed = true;
      },
    };
  }

  #tc(command: string): void {
    const words = command.split(' ');
    const device = words[words.indexOf('dev') + 1] ?? '';
    const tree = this.#trees.get(device);
    switch (words.slice(0, 2).join(' ')) {
      case 'qdisc add':
        if (tree !== undefined) throw new Error('Exclusivity flag on, cannot modify');
        this.#trees.set(device, { root: words.slice(6).join(' '), classes: new Map() });
        return;
      case 'class replace': {
        const name = words[words.indexOf('classid') + 1] ?? '';
        if (tree?.classes.has(name) === false) tree.classes.set(name, '');
        return;
      }
      case 'qdisc replace':
        tree?.classes.set(words[words.indexOf('parent') + 1] ?? '', words.slice(words.indexOf('handle')).join(' '));
        return;
      case 'class del':
        tree?.classes.delete(words[words.indexOf('classid') + 1] ?? '');
        return;
      case 'qdisc del':
        if (tree?.root.startsWith('c4a0:') !== true) throw new Error('Invalid handle');
        this.#trees.delete(device);
        return;
      default:
        throw new Error(`the fake kernel does not know: tc ${command}`);
    }
  }

  #qdiscs(): Qdisc[] {
    const statistics = { packets: 5, bytes: 500, drops: 0 };
    return [...this.#trees].flatMap(([device, { root, classes }]) => [
      { device, kind: root.split(' ')[1] ?? '', handle: root.split(' ')[0] ?? '', parent: 'root', ...statistics },
      ...[...classes]
        .filter(([, leaf]) => leaf !== '')
        .map(([parent, leaf]) => ({ device, kind: 'netem', handle: leaf.split(' ')[1] ?? '', parent, ...statistics })),
    ]);
  }
}
