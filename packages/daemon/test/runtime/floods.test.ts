/** Strangers flood each port of a daemon and of an operator: both go on, and take no more than their share. How long calls take
 * meanwhile is compared where it can be: in the long test of the operator. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  FLOODED_PORTS,
  floodsOf,
  startFlooder,
  type FloodedPort,
  type Flooder,
  type FloodName,
} from '@chaosplane/testkit';
import type { ChaosDaemonClient } from '@chaosplane/proto';
import { callAgain, createFloodStage, type FloodStage } from './flood-stage.ts';
import { arriving, createPodLab, TWENTY, type PodEnd, type PodLab } from './pod-lab.ts';

/** What the daemon and the operator may have resident at any time. */
const MOST_BYTES = 256 << 20;
const FLOOD_MS = 500;

const stack = new AsyncDisposableStack();
let lab: PodLab;
let target: PodEnd;
let near: PodEnd;
let stage: FloodStage;
let stranger: Flooder;
let client: ChaosDaemonClient;

const list = (from: ChaosDaemonClient = client) => from.listExecutions({}, { signal: AbortSignal.timeout(10_000) });

beforeAll(async () => {
  lab = await createPodLab();
  stack.defer(() => lab.close());
  [target, near] = [await lab.addEnd('target'), await lab.addEnd('near')];
  const [daemon, operator] = [await lab.addEnd('daemon'), await lab.addEnd('operator')];
  stage = await createFloodStage(lab, { daemon, operator }, stack);
  stranger = startFlooder((await lab.addEnd('stranger')).path);
  stack.defer(() => stranger.close());
  const connection = await stage.connect();
  stack.defer(() => connection.close());
  ({ client } = connection);
  // The first fault loads what later ones find loaded.
  await cutAndMend();
}, 120_000);

afterAll(() => stack.disposeAsync(), 60_000);

/** A new fault is felt, and felt no more once it is cancelled. */
async function cutAndMend(): Promise<void> {
  const parameters = { podName: 'target', targetCidr: near.ipv4 };
  const { executionId } = await client.execNetworkChaos({ action: 'partition', parameters });
  expect(await arriving(target, near)).toBe(0);
  await client.cancelChaos({ executionId });
  expect(await arriving(target, near)).toBe(TWENTY);
}

async function flood(port: FloodedPort, kind: FloodName) {
  const host = port === 'operator' ? stage.addresses.operator : stage.addresses.daemon;
  const { certificate, key } = stage.insider;
  return stranger.flood(kind, { host, port: FLOODED_PORTS[port], ms: FLOOD_MS, connections: 1200, certificate, key });
}

const cases = (Object.keys(floodsOf) as FloodedPort[]).flatMap((port) =>
  floodsOf[port].map((kind): [FloodedPort, FloodName] => [port, kind]),
);

describe.each(cases)('port %s, flooded with %s', (port, kind) => {
  test('answers its own callers, old and new, and does not grow', async () => {
    const flooding = flood(port, kind);
    const calls = callAgain(5, list);
    const probes = callAgain(100, () => stage.probe());
    const connection = await stage.connect();
    await list(connection.client);
    connection.close();
    const sum = await flooding;
    const [called, probed] = [await calls.stop(), await probes.stop()];
    expect(sum.begun).toBeGreaterThan(0);
    expect([...called.failures, ...probed.failures]).toEqual([]);
    expect(called.times.length * probed.times.length).toBeGreaterThan(0);
    expect(stage.daemon.alive && stage.operator.alive).toBe(true);
    expect(stage.daemon.memory().most).toBeLessThan(MOST_BYTES);
    expect(stage.operator.memory().most).toBeLessThan(MOST_BYTES);
  }, 120_000);
});

test('a thousand connections that say nothing do not keep new faults from beginning and ending', async () => {
  const flooding = flood('grpc', 'idle-connections');
  await cutAndMend();
  await flooding;
}, 120_000);
