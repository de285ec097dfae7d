/** A pod that other programs change: what they take away, faults of every kind, and how each is felt. */
import { execFileSync } from 'node:child_process';
import { createLab, distribution, sendOneWay, type Lab, type OneWay, type Sending } from '@chaosplane/testkit';
import { expect } from '@jest/globals';
import type { Journal } from '../../src/journal/journal.ts';
import type { ExecutionRecord } from '../../src/journal/record.ts';
import { ask as query, startResolver, type LabResolver } from './dns-lab.ts';
import { ask, startApp, type LabApp } from './http-lab.ts';
import {
  dnsError,
  httpAbort,
  startLabDaemon,
  type LabDaemon,
  type NetworkAction,
} from '@chaosplane/testkit/lab-daemon';
import type { BackendChoice } from '../../src/netns/placement.ts';

/** What an apply, an undo or a renewal may take at most. */
const LONGEST_MS = 10_000;

/** A kind of fault: how one is begun, twice beside each other, and how it is felt. */
export interface Kind {
  begin(which: 0 | 1): Promise<ExecutionRecord>;
  acts(): Promise<void>;
}

/** Every kind of fault that is done to the network of a pod. */
export type KindName = NetworkAction | 'HTTP' | 'DNS';

/** What others take away. */
export type Removal = keyof typeof removals;

/** Everything that others take away by itself. */
export const everyRemoval = (): Removal[] =>
  (Object.keys(removals) as Removal[]).filter((name) => name !== 'all of it');

const anyway = ['-force', '-batch', '-'];
export const [ipBatch, tcBatch]: readonly [readonly string[], readonly string[]] = [
  ['ip', ...anyway],
  ['tc', ...anyway],
];

/** By a program in the pod, with what it reads from its input. */
type RunInPod = (argv: readonly string[], commands?: readonly string[]) => void;

const deleteTables =
  (...tables: readonly string[]) =>
  (inPod: RunInPod): void => {
    for (const table of tables) inPod(['nft', 'delete', 'table', ...table.split(' ')]);
  };

/** Up to a second passes until the kernel sends by it again. */
const DOWN_AND_UP =
  'ip link set eth0 down; ip link set eth0 up; for i in $(seq 50); do ip link show eth0 | grep -q "state UP" && break; sleep 0.02; done';

const removals = {
  'nft flush ruleset': (inPod: RunInPod) => inPod(['nft', 'flush', 'ruleset']),
  'nft delete table': deleteTables('netdev chaosplane', 'inet chaosplane'),
  'nft delete table of the queue': deleteTables('inet chaosplane_queue'),
  'nft delete table of the proxies': deleteTables('inet chaosplane_proxy', 'inet chaosplane_hold'),
  'tc qdisc del': (inPod: RunInPod) => inPod(tcBatch, ['qdisc del dev eth0 root', 'qdisc del dev cpifb-eth0 root']),
  'ip link del': (inPod: RunInPod) => inPod(ipBatch, ['link del cpifb-eth0']),
  'ip link set down, up': (inPod: RunInPod) => inPod(['sh', '-c', DOWN_AND_UP]),
  'nft flush chain': (inPod: RunInPod) => {
    // One command after the other: where one chain is not there, the rest of a transaction is not done.
    for (const chain of ['egress_eth0', 'ingress_eth0'])
      inPod(['nft', 'flush', 'chain', 'netdev', 'chaosplane', chain]);
  },
  'iptables -F': (inPod: RunInPod) => {
    for (const program of ['iptables-nft', 'iptables-legacy'])
      for (const table of ['nat', 'mangle']) inPod([program, '-t', table, '-F']);
  },
  'ip rule del, ip route flush': (inPod: RunInPod) => {
    const families = ['-4', '-6'].map((family) => ['ip', family, ...anyway]);
    for (const argv of families) inPod(argv, [`rule del pref ${String(0x4a0)}`, `route flush table ${String(0xc4a0)}`]);
  },
  'all of it': (inPod: RunInPod): void => {
    for (const [name, remove] of Object.entries(removals)) if (name !== 'all of it') remove(inPod);
  },
} as const;

/** The pod, with an application and a resolver, and the daemon that faults it. */
export class ForeignLab {
  readonly lab: Lab = createLab({ peers: 1 });
  #app: LabApp | undefined;
  #resolver: LabResolver | undefined;
  #daemon: LabDaemon | undefined;

  /** Starts the daemon, or one after it. */
  async start(engine: BackendChoice = 'auto', journal?: Journal): Promise<LabDaemon> {
    this.#app ??= await startApp(this.lab.target, 8080);
    this.#resolver ??= await startResolver(this.lab.peer(0), this.lab.peer(0).ipv4);
    const dns = { servers: [this.lab.peer(0).ipv4], searches: [], ndots: 1 };
    return (this.#daemon = await this.inTime('the start', startLabDaemon(this.lab, { engine }, { dns }, journal)));
  }

  get daemon(): LabDaemon {
    if (this.#daemon === undefined) throw new Error('no daemon was started');
    return this.#daemon;
  }

  async close(): Promise<void> {
    await this.#daemon?.close();
    this.#app?.close();
    this.#resolver?.close();
    this.lab.close();
  }

  /** Other programs change the pod; that there is nothing to take away is no failure. */
  readonly inPod: RunInPod = (argv, commands = []) => {
    try {
      const input = commands.map((command) => `${command}\n`).join('');
      const nsenter = [`--net=${this.lab.target.path}`, ...argv];
      execFileSync('nsenter', nsenter, { input, stdio: ['pipe', 'ignore', 'ignore'] });
    } catch {
      return;
    }
  };

  remove(removal: Removal): void {
    removals[removal](this.inPod);
  }

  /** The port that HTTP faults are about. */
  get pod(): { readonly address: string; readonly port: number } {
    return { address: this.lab.target.ipv4, port: 8080 };
  }

  sent(sending: Partial<Sending> = {}): Promise<OneWay> {
    const few = { count: 5, burst: 1, everyMs: 1, withinMs: 1000 };
    return sendOneWay(this.lab.target, this.lab.peer(0), { ...few, ...sending });
  }

  async nothingArrives(): Promise<void> {
    expect((await this.sent({ withinMs: 60 })).received).toBe(0);
  }

  /** The result, or an error when it takes too long. */
  async inTime<T>(what: string, work: Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    const late = setTimeout(() => reject(new Error(`${what} has not ended within ${LONGEST_MS} ms`)), LONGEST_MS);
    return Promise.race([work, promise]).finally(() => clearTimeout(late));
  }

  cancel(record: ExecutionRecord): Promise<unknown> {
    return this.inTime('the undo', this.daemon.cancel(record));
  }

  renew(...records: readonly ExecutionRecord[]): Promise<unknown> {
    const executions = records.map(({ id }) => ({ id, ttlMs: 300_000 }));
    return this.inTime('the renewal', this.daemon.engine.renewLease({ epoch: 0, executions }));
  }

  #network(action: NetworkAction, parameters: Readonly<Record<string, string>>, acts: Kind['acts']): Kind {
    return {
      // The second is about the same packets in other words.
      begin: (which) => {
        const peers = which === 0 ? {} : { peers: this.lab.peer(0).ipv4 };
        return this.inTime('the apply', this.daemon.exec(action, { ...parameters, ...peers }));
      },
      acts,
    };
  }

  readonly kinds: Readonly<Record<KindName, Kind>> = {
    delay: this.#network('delay', { latency: '40ms', direction: 'both' }, async () => {
      const there = await this.sent();
      expect(there.received).toBe(5);
      expect(distribution(there.times).least).toBeGreaterThanOrEqual(39);
      const [out, sending] = [this.lab.peer(0), { count: 5, burst: 1, everyMs: 1, withinMs: 1000 }];
      const back = await sendOneWay(out, this.lab.target, sending);
      expect(distribution(back.times).least).toBeGreaterThanOrEqual(39);
    }),
    corrupt: this.#network('corrupt', { percent: '100' }, async () => {
      // A wrong bit in the frame's own head harms nothing.
      expect((await this.sent({ withinMs: 60 })).received).toBeLessThan(3);
    }),
    loss: this.#network('loss', { percent: '100' }, () => this.nothingArrives()),
    partition: this.#network('partition', {}, () => this.nothingArrives()),
    duplicate: this.#network('duplicate', { percent: '100', direction: 'both' }, async () => {
      const { received, duplicates } = await this.sent();
      expect(received).toBe(5);
      expect(duplicates).toBeGreaterThanOrEqual(5);
    }),
    bandwidth: this.#network(
      'bandwidth',
      { rate: '100kbit', burst: '1600', latency: '400ms', direction: 'both' },
      async () => {
        // 106 bytes each on the wire: 211 ms for what is more than may pass at once.
        const { most } = distribution((await this.sent({ count: 40, burst: 40 })).times);
        expect(most).toBeGreaterThan(150);
      },
    ),
    HTTP: {
      begin: (which) => {
        const parameters = { port: '8080', statusCode: '503', path: which === 0 ? '/a*' : '/b*' };
        return this.inTime('the apply', this.daemon.execProxied(httpAbort, parameters));
      },
      acts: async () => expect((await ask(this.lab.peer(0), this.pod, { path: '/bad' })).status).toBe(503),
    },
    DNS: {
      begin: (which) => {
        const domains = which === 0 ? 'a.org' : 'b.org';
        return this.inTime('the apply', this.daemon.execProxied(dnsError, { domains }));
      },
      acts: async () => {
        const answer = await query(this.lab.target, this.lab.peer(0).ipv4, 'b.org');
        expect(answer).toMatchObject({ code: 'NXDOMAIN' });
      },
    },
  };
}
