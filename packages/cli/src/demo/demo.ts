/** The demo: two real pods, a delay between them, measured, proved and gone. */
import { join } from 'node:path';
import { connectRuntime } from '@chaosplane/daemon';
import { parseExperiment, type ChaosExperiment, type ExperimentStatus } from '@chaosplane/api';
import {
  canRun,
  createTestbed,
  differences,
  fingerprint,
  install,
  missingPackages,
  sweepLeftovers,
  type Pod,
  type Testbed,
} from '@chaosplane/testbed';
import { engineLogger, type Surroundings } from '../commands/options.ts';
import { exitCodes } from '../output/verdict.ts';
import { report } from '../output/progress.ts';
import { runExperiment } from '../standalone/run.ts';
import { connectDaemon, type DaemonConnection } from '../standalone/daemon-connection.ts';
import { judge } from './judge.ts';
import { createMeasurements, type Measurements } from './measure.ts';

const LATENCY_MS = 200;
const SETTLE_MS = 4000;

/** The exit code: 0 when the delay was measured and the namespace is as it was. */
export async function runDemo(surroundings: Surroundings): Promise<number> {
  const { out, err, interrupted, cacheFolder } = surroundings;
  const say = (line: string): void => void out.write(`${line}\n`);
  const missing = await missingPackages();
  if (missing.length > 0) await install(missing, say);
  const able = await canRun();
  if (!able.ok) {
    err.write(`error: the demo cannot run here: ${able.reason}; ${able.remedy}\n`);
    return exitCodes.couldNotRun;
  }
  for (const folder of await sweepLeftovers()) say(`removed what a killed demo had left in ${folder}`);
  say('A private container runtime with two pods; everything is removed at the end.');
  const testbed = await createTestbed({ report: (line) => say(`  ${line} …`), signal: interrupted, cacheFolder });
  try {
    return await story(testbed, surroundings, say);
  } finally {
    say('\nRemoving the pods and the runtime …');
    await testbed.close();
  }
}

async function story(testbed: Testbed, surroundings: Surroundings, say: (line: string) => void): Promise<number> {
  const web = await testbed.runPod({ name: 'web', containers: [{ name: 'web', args: ['serve'] }] });
  const caller = await testbed.runPod({
    name: 'caller',
    labels: { app: 'caller' },
    containers: [
      { name: 'caller', args: ['call', `http://${web.ips.v4}:8080/`, '--interval', '100ms', '--keepalive'] },
    ],
  });
  say(`  pod default/caller calls pod default/web at http://${web.ips.v4}:8080 ten times a second`);
  const connection = await connectDaemon(
    {
      socketPath: join(testbed.folder, 'daemon', 'daemon.sock'),
      stateDir: join(testbed.folder, 'daemon-state'),
      runtimeEndpoint: testbed.runtimeEndpoint,
      logger: engineLogger({}),
    },
    surroundings,
  );
  try {
    return await measured({ testbed, caller, connection, surroundings, say });
  } finally {
    await connection.close();
  }
}

interface Scene {
  readonly testbed: Testbed;
  readonly caller: Pod;
  readonly connection: DaemonConnection;
  readonly surroundings: Surroundings;
  readonly say: (line: string) => void;
}

async function measured(scene: Scene): Promise<number> {
  const { testbed, caller, surroundings, say } = scene;
  const { clock, out, interrupted } = surroundings;
  const { netnsPath } = caller;
  const container = caller.containers['caller'];
  if (container === undefined || netnsPath === undefined) throw new Error('the caller has no container or no network');
  const measurements = createMeasurements(out);
  const following = new AbortController();
  const followed = testbed.follow(container, (line) => measurements.take(line), following.signal);
  const wait = (ms: number): Promise<void> => clock.sleep(ms, interrupted).catch(() => undefined);
  try {
    say(`\nBefore: how long a request takes, and what the caller's network namespace looks like.`);
    const before = await fingerprint(netnsPath);
    await wait(SETTLE_MS);
    say(`\nNow network-delay of ${LATENCY_MS} ms for 6 seconds, through the daemon's gRPC service.`);
    const status = await inject(scene, measurements);
    // Requests that began under the delay still belong to it.
    await wait(500);
    measurements.begin('after');
    await wait(SETTLE_MS);
    measurements.end();
    say(`\n${report(status)}`);
    const left = differences(before, await fingerprint(netnsPath));
    const good = judge({ measurements, latencyMs: LATENCY_MS, left, say });
    return good && status.phase === 'Completed' ? exitCodes.held : exitCodes.notHeld;
  } finally {
    measurements.end();
    following.abort();
    await followed;
  }
}

async function inject(scene: Scene, measurements: Measurements): Promise<ExperimentStatus> {
  const { testbed, connection, surroundings } = scene;
  const runtime = connectRuntime(testbed.runtimeEndpoint);
  try {
    return await runExperiment({
      experiment: demoExperiment(),
      client: connection.client,
      runtime,
      clock: surroundings.clock,
      abort: surroundings.interrupted,
      onStatus: ({ phase, effectiveAt }) => {
        if (phase === 'Running' && effectiveAt !== undefined && measurements.of('during').length === 0)
          measurements.begin('during');
      },
    });
  } finally {
    runtime.close();
  }
}

function demoExperiment(): ChaosExperiment {
  return parseExperiment(
    {
      apiVersion: 'chaos.chaosplane.io/v1alpha1',
      kind: 'ChaosExperiment',
      metadata: { name: 'demo' },
      spec: {
        target: { labelSelector: { matchLabels: { app: 'caller' } } },
        action: { type: 'network-delay', parameters: { latency: `${LATENCY_MS}ms`, protocol: 'tcp' } },
        duration: '6s',
      },
    },
    'machine',
  );
}
