/** What TCP and UDP feel of a loss: as of the same loss in the cable, where a packet belongs to no sender any more. */
import { execFileSync } from 'node:child_process';
import { bulk, createLab, sendOneWay, type Bulk, type Lab, type LabNamespace } from '@chaosplane/testkit';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { kernelCapabilities, startLabDaemon, type LabDaemon } from '@chaosplane/testkit/lab-daemon';

jest.setTimeout(120_000);

const capability = await kernelCapabilities();

let lab: Lab;
let daemon: LabDaemon;

/**
 * With a round trip as networks have, and a TCP that takes a loss for congestion, what gets through depends on the losses and not on
 * how busy the machine is. The receiver's window bounds how far a stream gets before its first loss.
 */
beforeAll(async () => {
  lab = createLab({ peers: 2 });
  for (const end of [lab.target, lab.peer(0), lab.peer(1)]) {
    lab.sysctl(end, 'net.ipv4.tcp_congestion_control', 'reno');
    lab.sysctl(end, 'net.ipv4.tcp_no_metrics_save', '1');
    lab.sysctl(end, 'net.ipv4.tcp_rmem', '4096 65536 65536');
  }
  daemon = await startLabDaemon(lab);
  await daemon.exec('delay', { latency: '20ms', direction: 'ingress' });
});

afterAll(async () => {
  await daemon.close();
  lab.close();
});

type Direction = 'egress' | 'ingress' | 'both';

/** Loses packets in the cable of `far`: by netem where a device sends, otherwise where it receives. Returns its end. */
function loseInCable(percent: number, direction: Direction, far: LabNamespace): () => void {
  const ends = [{ namespace: far.name, device: 'eth0' }, lab.outletOf(far)] as const;
  const run = (namespace: string, ...argv: string[]): void => {
    execFileSync('ip', ['netns', 'exec', namespace, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  };
  const chosen = { egress: [0], ingress: [1], both: [0, 1] }[direction].map((receiver): (() => void) => {
    const [receives, sends] = receiver === 0 ? ends : [ends[1], ends[0]];
    if (capability('sch-netem').available) {
      const netem = (verb: string, ...argv: string[]): void =>
        run(sends.namespace, 'tc', 'qdisc', verb, 'dev', sends.device, 'root', ...argv);
      netem('add', 'netem', 'loss', `${percent}%`, 'limit', '10000');
      return () => netem('del');
    }
    const table = 'netdev cptest';
    run(
      receives.namespace,
      'nft',
      `add table ${table}
       add chain ${table} c { type filter hook ingress device "${receives.device}" priority 0 ; }
       add rule ${table} c meta protocol { ip, ip6 } numgen random mod 100 < ${percent} drop`,
    );
    return () => run(receives.namespace, 'nft', `delete table ${table}`);
  });
  return () => {
    for (const end of chosen) end();
  };
}

const sum = (bulks: readonly Bulk[], of: keyof Bulk): number => bulks.reduce((total, one) => total + one[of], 0);
const goodput = (bulks: readonly Bulk[]): number => sum(bulks, 'megabits');
const sentAgain = (bulks: readonly Bulk[]): number => sum(bulks, 'retransmitted') / sum(bulks, 'segments');

/** Fewer are a matter of luck; where TCP waits for its timer after most losses, a few times as many are. */
const leastSentAgain = (percent: number): number => (percent < 20 ? 400 : 1600);
/** What one stream gets through of a heavy loss is little, so there is room for more of them. */
const streamsOf = (percent: number): number => (percent < 20 ? 24 : 64);

describe('a loss', () => {
  const cases = [1, 5, 20].flatMap((percent) =>
    (['egress', 'ingress', 'both'] as const).map((direction) => [percent, direction] as const),
  );

  test.each(cases)('of %d %%, %s, is to TCP and UDP what a real one is', async (percent, direction) => {
    const [near, far] = [lab.peer(0), lab.peer(1)];
    const record = await daemon.exec('loss', { percent: String(percent), direction, peers: near.ipv4 });
    const endReal = loseInCable(percent, direction, far);
    const stream = (peer: LabNamespace, port: number): Promise<Bulk> => {
      const [from, to] = direction === 'ingress' ? [peer, lab.target] : [lab.target, peer];
      return bulk(from, to, { forMs: 1000, streams: streamsOf(percent), port });
    };
    const [felt, real]: [Bulk[], Bulk[]] = [[], []];
    while (real.length < 2 || sum(real, 'retransmitted') < leastSentAgain(percent)) {
      // At the same time, so that a busy machine hits both.
      const [one, other] = await Promise.all([stream(near, 9000), stream(far, 9100)]);
      felt.push(one);
      real.push(other);
    }
    endReal();
    const ratios = { goodput: goodput(felt) / goodput(real), sentAgain: sentAgain(felt) / sentAgain(real) };
    for (const ratio of Object.values(ratios)) {
      expect(ratio).toBeGreaterThan(1 / 1.5);
      expect(ratio).toBeLessThan(1.5);
    }

    const ways = { egress: [0], ingress: [1], both: [0, 1] }[direction];
    for (const way of ways) {
      const [from, to] = way === 0 ? [lab.target, near] : [near, lab.target];
      const { sent, missing, sendErrors } = await sendOneWay(from, to, { count: 2000, burst: 40 });
      const [expected, deviation] = [(sent * percent) / 100, Math.sqrt(sent * (percent / 100) * (1 - percent / 100))];
      expect(Math.abs(missing.length - expected)).toBeLessThan(5 * deviation);
      expect(sendErrors).toBe(0);
    }
    await daemon.cancel(record);
  });
});
