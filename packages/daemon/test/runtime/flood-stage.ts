/** A daemon and an operator as processes of their own, each in the network of a pod, as on a cluster; who asks them; what they take. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ChaosDaemonDefinition, type ChaosDaemonClient } from '@chaosplane/proto';
import { startProgram, type Program } from '@chaosplane/testkit';
import { ChannelCredentials, createChannel, createClient } from 'nice-grpc';
import { HealthDefinition } from 'nice-grpc-server-health';
import { createAuthority, createIdentity, read, type Identity } from '../kernel/certificates.ts';
import type { PodEnd, PodLab } from './pod-lab.ts';

export const OPERATOR = 'chaosplane-operator.chaos.svc';

export interface FloodStage {
  readonly daemon: Program;
  readonly operator: Program;
  readonly addresses: { readonly daemon: string; readonly operator: string };
  /** Of a client whose certificate the authority has signed, under another name than the operator's. */
  readonly insider: Identity;
  /** A new connection of the operator. */
  connect(): Promise<{ readonly client: ChaosDaemonClient; close(): void }>;
  /** Asks as the kubelet does, each port by a connection of its own. @throws when one does not answer. */
  probe(): Promise<void>;
}

/** Starts both. What they need is removed with the stack. */
export async function createFloodStage(
  lab: PodLab,
  homes: { readonly daemon: PodEnd; readonly operator: PodEnd },
  stack: AsyncDisposableStack,
): Promise<FloodStage> {
  const folder = await lab.folder();
  const authority = await createAuthority(folder, 'authority');
  const own = await createIdentity(folder, 'daemon', authority, { usage: 'serverAuth' });
  const operator = await createIdentity(folder, 'operator', authority, { dns: OPERATOR, usage: 'clientAuth' });
  const insider = await createIdentity(folder, 'insider', authority, { dns: 'other.svc', usage: 'clientAuth' });
  const daemonArgs = [
    ['--listen', ':50051'],
    ['--health-listen', ':50052'],
    ['--http-listen', ':8081'],
    ['--tls-cert', own.certificate],
    ['--tls-key', own.key],
    ['--tls-client-ca', authority.certificate],
    ['--client-name', OPERATOR],
    ['--state-dir', join(folder, 'state')],
    ['--socket', join(folder, 'run/daemon.sock')],
    ['--runtime-endpoint', lab.testbed.runtimeEndpoint],
  ].flat();
  const daemonProcess = await startProgram({
    netns: homes.daemon.path,
    file: 'packages/daemon/src/main.ts',
    argv: daemonArgs,
    ready: /daemon serving/,
  });
  stack.defer(() => daemonProcess.stop());
  // It waits for an API server that is not there: its port is open all the same.
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, KUBECONFIG);
  await writeFile(join(folder, 'token'), 'token');
  const operatorArgs = [
    ['run', '--namespace', 'chaos', '--http-listen', ':8081', '--kubeconfig', kubeconfig],
    ['--tls-certificate', operator.certificate, '--tls-key', operator.key, '--tls-ca', authority.certificate],
    ['--token-file', join(folder, 'token')],
  ].flat();
  const operatorProcess = await startProgram({
    netns: homes.operator.path,
    file: 'packages/operator/src/main.ts',
    argv: operatorArgs,
    ready: /waiting for the lead/,
  });
  stack.defer(() => operatorProcess.stop());
  const addresses = { daemon: homes.daemon.ipv4, operator: homes.operator.ipv4 };
  const pem = await read(operator);
  const ca = readFileSync(authority.certificate);
  const credentials = ChannelCredentials.createSsl(ca, pem.key, pem.certificate);
  const probes = [
    () => askHealth(`${addresses.daemon}:50052`),
    () => askPage(`http://${addresses.daemon}:8081/healthz`),
    () => askPage(`http://${addresses.operator}:8081/healthz`),
  ];
  return {
    daemon: daemonProcess,
    operator: operatorProcess,
    addresses,
    insider,
    async connect() {
      const channel = createChannel(`${addresses.daemon}:50051`, credentials, {
        'grpc.ssl_target_name_override': 'localhost',
        'grpc.use_local_subchannel_pool': 1,
      });
      const client = createClient(ChaosDaemonDefinition, channel);
      return { client, close: () => channel.close() };
    },
    async probe() {
      await Promise.all(probes.map((probe) => probe()));
    },
  };
}

const KUBECONFIG = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [{ name: 'none', cluster: { server: 'https://127.0.0.1:1' } }],
  users: [{ name: 'none', user: { token: 'none' } }],
  contexts: [{ name: 'none', context: { cluster: 'none', user: 'none' } }],
  'current-context': 'none',
});

/** How long a kubelet waits, as the chart has it. */
const PROBE_MS = 5000;

async function askPage(url: string): Promise<void> {
  const { status } = await fetch(url, { signal: AbortSignal.timeout(PROBE_MS) });
  if (status !== 200) throw new Error(`${url} answers ${status}`);
}

async function askHealth(address: string): Promise<void> {
  const channel = createChannel(address, undefined, { 'grpc.use_local_subchannel_pool': 1 });
  try {
    await createClient(HealthDefinition, channel).check({ service: '' }, { signal: AbortSignal.timeout(PROBE_MS) });
  } finally {
    channel.close();
  }
}

/** Times of calls that are made one after another, with a short pause between, until it is stopped. */
export interface Caller {
  /** Stops it; how long each call took, in milliseconds, and what failed. */
  stop(): Promise<{ readonly times: readonly number[]; readonly failures: readonly string[] }>;
}

export function callAgain(everyMs: number, call: () => Promise<unknown>): Caller {
  const times: number[] = [];
  const failures: string[] = [];
  const over = new AbortController();
  const done = (async () => {
    while (!over.signal.aborted) {
      const startedAt = performance.now();
      try {
        await call();
        times.push(performance.now() - startedAt);
      } catch (error) {
        failures.push(String(error));
      }
      await pause(everyMs);
    }
  })();
  return {
    async stop() {
      over.abort();
      await done;
      return { times, failures };
    },
  };
}
