/** Calls of a cluster's daemon while it is flooded, and how long they take. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { SYSTEM, type Installation } from '@chaosplane/testcluster/installation';
import type { SystemPod } from '@chaosplane/testcluster/system-pods';

/** Calls of some time. */
export interface Calls {
  readonly times: readonly number[];
  readonly failures: readonly string[];
}

/** Calls a daemon as the operator does, from the network of a pod. */
export interface ClusterCaller {
  /** What was called since this was asked last. */
  take(): Promise<Calls>;
  close(): Promise<void>;
}

/** With the operator's certificate and a token of its account, in the network of the pod `app`. */
export async function startClusterCaller(shop: Installation, app: string, daemon: SystemPod): Promise<ClusterCaller> {
  const folder = await mkdtemp(join(tmpdir(), 'chaosplane-caller-'));
  const secret = await shop.cluster.kubectl(['get', 'secret', 'chaosplane-operator-tls', '-n', SYSTEM, '-o', 'json']);
  const { data } = JSON.parse(secret) as { data: Readonly<Record<string, string>> };
  for (const [name, value] of Object.entries(data))
    await writeFile(join(folder, name), Buffer.from(value, 'base64'), { mode: 0o600 });
  const asking = [
    'create',
    'token',
    'chaosplane-operator',
    '-n',
    SYSTEM,
    '--audience=chaosplane-daemon',
    '--duration=2h',
  ];
  await writeFile(join(folder, 'token'), await shop.cluster.kubectl(asking), { mode: 0o600 });
  const name = `${daemon.spec.nodeName}.chaosplane-daemon.${SYSTEM}.svc.cluster.local`;
  const program = [`${import.meta.dirname}/caller.main.ts`, `${daemon.status.podIP}:50051`, name, folder];
  const argv = [`--net=${await shop.netnsOf(app)}`, process.execPath, ...program];
  const child = spawn('nsenter', argv, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const ended = once(child, 'close');
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async take() {
      child.stdin.write('\n');
      const { value } = (await answers.next()) as { value?: string };
      if (value === undefined) throw new Error('the caller ended');
      return JSON.parse(value) as Calls;
    },
    async close() {
      child.stdin.end();
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
