/** A stand-in for one network namespace: nftables, qdiscs, links and the queue backend, printable as text. */
import type { Netns, Qdisc, QueuePolicy, TapPolicy, WaitingConnections } from '@chaosplane/daemon/host';
import type { OpenConnections, TimedRule } from '@chaosplane/daemon/proxy';
import { FakeNft } from './fake-nft.ts';

interface FakeTree {
  readonly root: string;
  /** By class: the class it is in, and its leaf qdisc with handle and arguments; empty while it has none. */
  readonly classes: Map<string, { parent: string; htb: string; leaf: string }>;
}

interface FakeLink {
  queueLength: number;
  readonly index: number;
}

/** What the fake kernel holds for one namespace; survives the daemons that come and go. */
export class FakeNetns {
  readonly path: string;
  readonly cookie: string;
  readonly nft = new FakeNft();
  readonly #trees = new Map<string, FakeTree>();
  readonly #links = new Map<string, FakeLink>([
    ['eth0', { index: 2, queueLength: 1000 }],
    ['lo', { index: 1, queueLength: 1000 }],
  ]);
  #lastIndex = 2;
  #queueTable = '';
  queue: QueuePolicy | undefined;
  taps: readonly TapPolicy[] = [];
  /** TCP connections that wait to send again. */
  waiting: WaitingConnections = { count: 0, longestMs: 0 };
  /** Connections that proxies find open. */
  openConnections: OpenConnections = { count: 0, ends: [] };
  #proxied: readonly TimedRule[] = [];
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
        [
          `qdisc ${device} ${root}`,
          ...[...classes].sort().map(([name, { parent, htb, leaf }]) => `  class ${name} in ${parent} ${htb} ${leaf}`),
        ].join('\n'),
      ),
      ...[...this.#links].map(([device, { queueLength }]) => `link ${device} qlen ${queueLength}`),
      this.queue === undefined ? '' : `queue ${JSON.stringify(this.queue)}`,
      ...this.taps.map((tap) => `tap ${JSON.stringify(tap)}`),
      ...this.#proxied.map(({ rule }) => `proxy ${JSON.stringify(rule)}`),
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
        [...this.#links].map(([name, { index, queueLength }]) => ({
          name,
          index,
          mtu: 1500,
          up: true,
          txDropped: 0,
          ethernet: name !== 'lo',
          addresses: name === 'eth0' ? ['10.0.0.2'] : [],
          txQueueLength: queueLength,
        })),
      waitingConnections: () => this.waiting,
      setTxQueueLength: (device, packets) => {
        const link = this.#links.get(device);
        if (link !== undefined) link.queueLength = packets;
      },
      addIfb: (name) => {
        if (!this.#links.has(name)) this.#links.set(name, { index: ++this.#lastIndex, queueLength: 10_000 });
      },
      removeLink: async (name) => {
        this.nft.requireNoDevice(name);
        this.#links.delete(name);
        this.#trees.delete(name);
      },
      addQueueTable: (table, mask, queue) => {
        this.#queueTable = `table inet ${table} mask ${mask} queue ${queue}`;
      },
      serveQueue: async (_queue, policy) => {
        this.queue = policy;
      },
      stopQueue: async () => {
        this.queue = undefined;
      },
      queueStatistics: async () => ({ handled: new Map((this.queue?.layers ?? []).map(({ bit }) => [bit, 7])) }),
      serveTaps: async (wanted) => {
        this.taps = wanted;
      },
      tapStatistics: async () =>
        new Map(
          this.taps.map(({ name }) => [name, { packets: 7, bytes: 700, held: 0, heldBytes: 0, lost: 0, refused: 0 }]),
        ),
      serveProxies: async (rules) => {
        this.#proxied = rules;
      },
      proxyCounts: (id) =>
        this.#proxied.some(({ rule }) => rule.id === id)
          ? { seen: 3, matched: 2, faulted: 1, passed: 0, beyond: 0 }
          : undefined,
      openConnections: () => this.openConnections,
      proxiedNow: () => 0,
      endProxies: async () => {
        this.#proxied = [];
      },
      removeProxyTraces: () => {
        const found = this.#proxied.length > 0;
        this.#proxied = [];
        return found;
      },
      foreignRedirect: () => undefined,
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
    if (!this.#links.has(device)) throw new Error(`Cannot find device "${device}"`);
    const after = (word: string): string => words[words.indexOf(word) + 1] ?? '';
    switch (words.slice(0, 2).join(' ')) {
      case 'qdisc add':
        if (tree !== undefined) throw new Error('Exclusivity flag on, cannot modify');
        this.#trees.set(device, { root: words.slice(6).join(' '), classes: new Map() });
        return;
      case 'class replace': {
        const [name, parent] = [after('classid'), after('parent')];
        const htb = words.slice(words.indexOf('htb') + 1).join(' ');
        const there = tree?.classes.get(name);
        if (parent !== 'c4a0:' && tree?.classes.has(parent) !== true) throw new Error('Failed to find parent');
        // A class that exists keeps its parent.
        tree?.classes.set(name, { parent: there?.parent ?? parent, htb, leaf: there?.leaf ?? '' });
        return;
      }
      case 'qdisc replace': {
        const there = tree?.classes.get(after('parent'));
        if (there === undefined) throw new Error('Failed to find specified qdisc');
        there.leaf = words.slice(words.indexOf('handle')).join(' ');
        return;
      }
      case 'class del': {
        const name = after('classid');
        if ([...(tree?.classes.values() ?? [])].some(({ parent }) => parent === name)) throw new Error('Device busy');
        if (tree?.classes.delete(name) !== true) throw new Error('Cannot find specified class');
        return;
      }
      case 'qdisc del':
        if (tree?.root.startsWith('c4a0:') !== true) throw new Error('Invalid handle');
        this.#trees.delete(device);
        return;
      default:
        throw new Error(`the fake kernel does not know: tc ${command}`);
    }
  }

  #qdiscs(): Qdisc[] {
    const statistics = { packets: 5, bytes: 500, drops: 0, heldPackets: 0, heldBytes: 0 };
    return [...this.#trees].flatMap(([device, { root, classes }]) => [
      { device, kind: root.split(' ')[1] ?? '', handle: root.split(' ')[0] ?? '', parent: 'root', ...statistics },
      ...[...classes]
        .filter(([, { leaf }]) => leaf !== '')
        .map(([parent, { leaf }]) => {
          const [, handle = '', kind = ''] = leaf.split(' ');
          return { device, kind, handle, parent, ...statistics };
        }),
    ]);
  }
}
