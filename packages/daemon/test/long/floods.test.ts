/** Every port of a daemon and an operator is flooded, four at a time, each kind for a minute. What came out: docs/security.md. */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { FLOODED_PORTS, floodsOf, percentile, startFlooder, type FloodedPort, type Flooder } from '@chaosplane/testkit';
import { callAgain, createFloodStage, type FloodStage } from '../runtime/flood-stage.ts';
import { arriving, createPodLab, TWENTY, type PodEnd, type PodLab } from '../runtime/pod-lab.ts';

jest.setTimeout(1_800_000);

const [FLOOD_MS, QUIET_MS, REST_MS] = [60_000, 10_000, 60_000];
const MOST_BYTES = 256 << 20;
const ports = Object.keys(FLOODED_PORTS) as FloodedPort[];
const rounds = Math.max(...ports.map((port) => floodsOf[port].length));

const stack = new AsyncDisposableStack();
let lab: PodLab;
let target: PodEnd;
let near: PodEnd;
let stage: FloodStage;
let strangers: Readonly<Record<FloodedPort, Flooder>>;

beforeAll(async () => {
  lab = await createPodLab();
  stack.defer(() => lab.close());
  [target, near] = [await lab.addEnd('target'), await lab.addEnd('near')];
  const [daemon, operator] = [await lab.addEnd('daemon'), await lab.addEnd('operator')];
  stage = await createFloodStage(lab, { daemon, operator }, stack);
  const started: [FloodedPort, Flooder][] = [];
  for (const port of ports) started.push([port, startFlooder((await lab.addEnd(`stranger-${port}`)).path)]);
  strangers = Object.fromEntries(started) as Record<FloodedPort, Flooder>;
  for (const flooder of Object.values(strangers)) stack.defer(() => flooder.close());
}, 300_000);
afterAll(() => stack.disposeAsync(), 120_000);

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const mebibytes = (bytes: number): number => Math.round(bytes / (1 << 20));

test('a minute of each kind of flood: calls succeed as fast, faults begin and end, nothing restarts, memory comes back', async () => {
  const { client, close } = await stage.connect();
  stack.defer(async () => close());
  const list = () => client.listExecutions({}, { signal: AbortSignal.timeout(10_000) });
  const cutAndMend = async (): Promise<void> => {
    const parameters = { podName: 'target', targetCidr: near.ipv4 };
    const { executionId } = await client.execNetworkChaos({ action: 'partition', parameters });
    expect(await arriving(target, near)).toBe(0);
    await client.cancelChaos({ executionId });
    expect(await arriving(target, near)).toBe(TWENTY);
  };
  const programs = [stage.daemon, stage.operator];
  await cutAndMend();
  const before = programs.map((program) => program.memory());
  const [quiet, flooded]: [number[], number[]] = [[], []];
  const failures: string[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const still = callAgain(10, list);
    await wait(QUIET_MS);
    const stillTimes = (await still.stop()).times;
    quiet.push(...stillTimes);
    const { certificate, key } = stage.insider;
    const floods = ports.flatMap((port) => {
      const kind = floodsOf[port][round];
      const host = port === 'operator' ? stage.addresses.operator : stage.addresses.daemon;
      const target = { host, port: FLOODED_PORTS[port], ms: FLOOD_MS, connections: 1200, certificate, key };
      return kind === undefined ? [] : [strangers[port].flood(kind, target).then((sum) => ({ port, kind, sum }))];
    });
    const calls = callAgain(10, list);
    const probes = callAgain(1000, () => stage.probe());
    const fresh = callAgain(2000, async () => {
      const connection = await stage.connect();
      await connection.client.listExecutions({}, { signal: AbortSignal.timeout(10_000) }).finally(connection.close);
    });
    await cutAndMend();
    const sums = await Promise.all(floods);
    const [called, probed, late] = [await calls.stop(), await probes.stop(), await fresh.stop()];
    flooded.push(...called.times);
    failures.push(...called.failures, ...probed.failures, ...late.failures);
    const [p99, p50] = [99, 50].map((percent) =>
      [called.times, stillTimes].map((times) => percentile(times, percent).toFixed(1)).join(' / '),
    );
    const memory = programs.map((program) => mebibytes(program.memory().now)).join(' and ');
    say(
      `round ${round}: p99 ${p99} ms, p50 ${p50} ms (flooded / quiet), ${called.times.length} calls, memory ${memory} MiB`,
    );
    say(
      `  failed: ${called.failures.length} calls, ${probed.failures.length} of ${probed.times.length} probes, ${late.failures.length} of ${late.times.length} new connections`,
    );
    for (const { port, kind, sum } of sums) say(`  ${port} ${kind}: ${JSON.stringify(sum)}`);
  }
  await wait(REST_MS);
  const after = programs.map((program) => program.memory());
  for (const [index, { now, most }] of after.entries())
    say(
      `memory before ${mebibytes(before[index]?.now ?? 0)}, most ${mebibytes(most)}, a minute after ${mebibytes(now)} MiB`,
    );
  const [slow, usual] = [percentile(flooded, 99), percentile(quiet, 99)];
  say(`all: p99 ${slow.toFixed(1)} ms flooded, ${usual.toFixed(1)} ms quiet`);
  expect(failures).toEqual([]);
  expect(programs.map(({ alive }) => alive)).toEqual([true, true]);
  for (const { most } of after) expect(most).toBeLessThan(MOST_BYTES);
  for (const [index, { now }] of after.entries()) expect(now).toBeLessThan(1.25 * (before[index]?.now ?? 0));
  expect(slow).toBeLessThan(2 * usual);
});
