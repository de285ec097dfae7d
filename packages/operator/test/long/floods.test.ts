/** Every port of a cluster's daemon and operator is flooded, four at a time, each kind for a minute. What came out: docs/security.md. */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import {
  FLOODED_PORTS,
  floodsOf,
  memoryOf,
  percentile,
  startFlooder,
  type FloodedPort,
  type Flooder,
} from '@chaosplane/testkit';
import { install, isEffective, type Installation } from '@chaosplane/testcluster/installation';
import { healthOf, processOf, systemPods } from '@chaosplane/testcluster/system-pods';
import type { Said } from '../rotation-caller.ts';
import { startOperatorsCaller } from './pods-of-both.ts';

type Calls = Pick<Said, 'times' | 'failures'>;

jest.setTimeout(1_800_000);

const [FLOOD_MS, QUIET_MS, REST_MS] = [60_000, 15_000, 60_000];
const [MIB, MOST_MIB] = [1 << 20, 256];
const ports = Object.keys(FLOODED_PORTS) as FloodedPort[];
/** An insider's certificate would have to be signed by the cluster's authority: that flood is in the runtime layer. */
const kindsOf = (port: FloodedPort) => floodsOf[port].filter((kind) => kind !== 'insiders');
const rounds = Math.max(...ports.map((port) => kindsOf(port).length));

const stack = new AsyncDisposableStack();
let shop: Installation;
let strangers: Readonly<Record<FloodedPort, Flooder>>;

beforeAll(async () => {
  shop = await install();
  stack.defer(() => shop.close());
  const app = (name: string, node = 'n1') => ({ name, node });
  await shop.addApps(app('caller', 'n2'), app('web'), ...ports.map((port) => app(`stranger-${port}`, 'n2')));
  const started = ports.map(async (port) => [port, startFlooder(await shop.netnsOf(`stranger-${port}`))] as const);
  strangers = Object.fromEntries(await Promise.all(started)) as Record<FloodedPort, Flooder>;
  for (const flooder of Object.values(strangers)) stack.defer(() => flooder.close());
}, 900_000);
afterAll(() => stack.disposeAsync(), 120_000);

const spec = { target: { names: ['web'] }, action: { type: 'network-partition' }, duration: '10m' };
const timesOf = (calls: readonly Calls[]): number[] => calls.flatMap(({ times }) => times);
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const say = (line: string): void => void process.stderr.write(`${line}\n`);

test('a minute of each kind of flood: calls succeed as fast, faults begin and end, nothing restarts, memory comes back', async () => {
  const daemon = (await systemPods(shop, 'daemon')).find((pod) => pod.spec.nodeName === 'n1');
  const [operator] = await systemPods(shop, 'operator');
  if (daemon === undefined || operator === undefined) throw new Error('a pod of ChaosPlane is missing');
  // A connection that comes late is let in as well.
  const caller = await startOperatorsCaller(shop, { onNew: 1 });
  stack.defer(() => caller.close());
  const pids = await Promise.all([daemon, operator].map((pod) => processOf(shop, pod.metadata.name)));
  const mebibytes = (bytes: number): number => Math.round(bytes / MIB);
  const memories = () => pids.map(memoryOf).map(({ now, most }) => ({ now: mebibytes(now), most: mebibytes(most) }));
  // The first fault loads what later ones find loaded.
  await shop.apply('first', spec);
  await shop.until('first', isEffective);
  await shop.remove('first');
  const health = async () =>
    [...(await systemPods(shop, 'daemon')), ...(await systemPods(shop, 'operator'))].map(healthOf);
  const healthy = await health();
  const before = memories();
  const [quiet, flooded]: [Calls[], Calls[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    await caller.ask();
    await wait(QUIET_MS);
    quiet.push(await caller.ask());
    const floods = ports.flatMap((port) => {
      const kind = kindsOf(port)[round];
      const host = port === 'operator' ? operator.status.podIP : daemon.status.podIP;
      const target = { host, port: FLOODED_PORTS[port], ms: FLOOD_MS, connections: 1200 };
      return kind === undefined ? [] : [strangers[port].flood(kind, target).then((sum) => ({ port, kind, sum }))];
    });
    await shop.apply(`round-${round}`, spec);
    await shop.until(`round-${round}`, isEffective);
    await shop.remove(`round-${round}`);
    const sums = await Promise.all(floods);
    flooded.push(await caller.ask());
    const [ofDaemon, ofOperator] = memories();
    const [last, still] = [flooded.slice(-1), quiet.slice(-1)];
    say(
      `round ${round}: p99 ${percentile(timesOf(last), 99).toFixed(1)} ms, quiet ${percentile(timesOf(still), 99).toFixed(1)} ms, p50 ${percentile(timesOf(last), 50).toFixed(1)} / ${percentile(timesOf(still), 50).toFixed(1)}, ${last[0]?.times.length} calls; ${last[0]?.failures.length} failed; daemon ${ofDaemon?.now} MiB, operator ${ofOperator?.now} MiB`,
    );
    for (const { port, kind, sum } of sums) say(`  ${port} ${kind}: ${JSON.stringify(sum)}`);
    // The daemon knows that no pod is its kubelet.
    for (const { port, sum } of sums) expect([port, port === 'health' ? sum.answered : 0]).toEqual([port, 0]);
  }
  await wait(REST_MS);
  const after = memories();
  say(
    `before ${JSON.stringify(before)} after ${JSON.stringify(after)}; p99 ${percentile(timesOf(flooded), 99).toFixed(1)} ms, quiet ${percentile(timesOf(quiet), 99).toFixed(1)} ms`,
  );
  expect(flooded.flatMap(({ failures }) => failures)).toEqual([]);
  expect(await health()).toEqual(healthy);
  for (const { most } of after) expect(most).toBeLessThan(MOST_MIB);
  for (const [index, { now }] of after.entries()) expect(now).toBeLessThan(1.25 * (before[index]?.now ?? 0));
  expect(percentile(timesOf(flooded), 99)).toBeLessThan(2 * percentile(timesOf(quiet), 99));
});
