/** Real pods for tests of the daemon: a target and its peers in a test bed of their own, with what measures between them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, type Logger } from '@chaosplane/common';
import { ChaosDaemonDefinition, type ChaosDaemonClient } from '@chaosplane/proto';
import {
  createTestbed,
  differences,
  fingerprint,
  runtimeOf,
  type Pod,
  type PodSpec,
  type Testbed,
} from '@chaosplane/testbed';
import { distribution, sendOneWay, type Distribution, type Family, type LabNamespace } from '@chaosplane/testkit';
import { createChannel, createClientFactory } from 'nice-grpc';
import { errorDetailsClientMiddleware } from 'nice-grpc-error-details';
import { startDaemon, type RawDaemonConfig, type RunningDaemon } from '../../src/index.ts';
import { openNetnsHandle } from '../../src/host/kernel/netns.ts';

/** A pod as an end of measurements. */
export interface PodEnd extends LabNamespace {
  readonly pod: Pod;
}

/** A daemon over the test bed's runtime, and a client that knows its whole contract. */
export interface PodDaemon {
  readonly daemon: RunningDaemon;
  readonly client: ChaosDaemonClient;
  readonly stateDir: string;
  /** Stops both; what is active stays. Idempotent. */
  stop(): Promise<void>;
}

/** The test bed and everything that tests made there. */
export interface PodLab {
  readonly testbed: Testbed;
  /** Starts a pod that measurements can begin or end in. */
  addEnd(name: string, options?: Pick<PodSpec, 'dns' | 'rootIs'>): Promise<PodEnd>;
  /** A new folder, removed with the rest. */
  folder(): Promise<string>;
  /** Starts a daemon; in a folder of its own unless the settings say otherwise. */
  startDaemon(settings?: Partial<RawDaemonConfig>, logger?: Logger): Promise<PodDaemon>;
  /** Removes all of it, daemons included. Idempotent. */
  close(): Promise<void>;
}

/** Starts a test bed without pods. */
export async function createPodLab(): Promise<PodLab> {
  const asked = runtimeOf(process.env);
  const testbed = await createTestbed(asked === undefined ? {} : { runtime: asked });
  const stack = new AsyncDisposableStack();
  stack.defer(() => testbed.close());
  const folder = async (): Promise<string> => {
    const path = await mkdtemp(join(tmpdir(), 'chaosplane-daemon-'));
    stack.defer(() => rm(path, { recursive: true, force: true }));
    return path;
  };
  return {
    testbed,
    folder,
    async addEnd(name, options = {}) {
      const pod = await testbed.runPod({ ...options, name, containers: [{ name: 'app', args: ['serve'] }] });
      if (pod.netnsPath === undefined) throw new Error(`pod ${name} has no network namespace`);
      const netns = openNetnsHandle(pod.netnsPath);
      stack.defer(() => netns.close());
      return { name, path: pod.netnsPath, ipv4: pod.ips.v4, ipv6: pod.ips.v6, netns, pod };
    },
    async startDaemon(settings = {}, logger = createLogger({ level: 'silent' })) {
      const stateDir = settings.stateDir ?? (await folder());
      const socketPath = settings.socketPath ?? join(stateDir, 'run/daemon.sock');
      const where = { stateDir, socketPath, runtimeEndpoint: testbed.runtimeEndpoint };
      const daemon = await startDaemon({ ...where, ...settings }, { logger });
      const { client, close } = connect(socketPath);
      const stop = async (): Promise<void> => {
        close();
        await daemon.stop();
      };
      stack.defer(stop);
      return { daemon, client, stateDir, stop };
    },
    close: () => stack.disposeAsync(),
  };
}

/** A client of the daemon at a socket, whose errors carry their details. */
export function connect(socketPath: string): { readonly client: ChaosDaemonClient; close(): void } {
  const channel = createChannel(`unix://${socketPath}`);
  const client = createClientFactory().use(errorDetailsClientMiddleware).create(ChaosDaemonDefinition, channel);
  return { client, close: () => channel.close() };
}

/** How long packets take one way; 30 of them, all of which have to arrive. */
export async function oneWayTimes(from: PodEnd, to: PodEnd, family: Family = 4): Promise<Distribution> {
  const { received, times } = await sendOneWay(from, to, { count: 30, family, burst: 1, everyMs: 3, withinMs: 3000 });
  if (received !== 30) throw new Error(`of 30 packets from ${from.name} to ${to.name}, ${received} arrived`);
  return distribution(times);
}

/** How many of twenty packets arrive. */
export async function arriving(from: PodEnd, to: PodEnd, family: Family = 4): Promise<number> {
  return (await sendOneWay(from, to, { count: TWENTY, family, withinMs: 300 })).received;
}

/** What `arriving` gives where nothing is in the way. */
export const TWENTY = 20;

/** What a pod's namespace has now that it had not before, and the other way round. */
export async function changesSince(before: string, { path }: LabNamespace): Promise<string[]> {
  return differences(before, await fingerprint(path));
}
