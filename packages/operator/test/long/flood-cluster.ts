/** What a flood of a cluster's daemon and operator does to them: their memory, their restarts, and how long calls take. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { podNetns } from '@chaosplane/testcluster/netns';
import { SYSTEM, type Installation } from '@chaosplane/testcluster/installation';

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

interface PodObject {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly nodeName: string };
  readonly status: {
    readonly podIP: string;
    readonly conditions: readonly {
      readonly type: string;
      readonly status: string;
      readonly lastTransitionTime: string;
    }[];
    readonly containerStatuses: readonly { readonly restartCount: number }[];
  };
}

/** The pods of ChaosPlane, by their part of it. */
export async function systemPods(shop: Installation, component: 'daemon' | 'operator'): Promise<readonly PodObject[]> {
  const selector = `app.kubernetes.io/component=${component}`;
  const printed = await shop.cluster.kubectl(['get', 'pods', '-n', SYSTEM, '-l', selector, '-o', 'json']);
  return (JSON.parse(printed) as { items: PodObject[] }).items;
}

/** That a pod was ready without a break, and how often it was restarted: equal texts mean that nothing happened to it. */
export function healthOf({ metadata, status }: PodObject): string {
  const ready = status.conditions.find(({ type }) => type === 'Ready');
  const restarts = status.containerStatuses.map(({ restartCount }) => restartCount);
  return `${metadata.name} ready ${ready?.status ?? '?'} since ${ready?.lastTransitionTime ?? '?'} restarts ${restarts.join()}`;
}

/** The process of ChaosPlane in a pod, as this machine numbers it. */
export async function processOf(shop: Installation, pod: string): Promise<number> {
  const { ino } = await stat(await podNetns(shop.cluster, SYSTEM, pod));
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const own = await stat(`/proc/${name}/ns/net`).catch(() => undefined);
    const argv = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (own?.ino === ino && argv.startsWith('node')) return Number(name);
  }
  throw new Error(`no process of the pod ${pod} is seen on this machine`);
}

/** In mebibytes: what is resident, and the most that ever was. */
export async function memoryOf(pid: number): Promise<{ readonly now: number; readonly most: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const of = (name: string): number =>
    Math.round(Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]) / 1024);
  return { now: of('VmRSS'), most: of('VmHWM') };
}

/** With the operator's certificate and a token of its account, in the network of the pod `app`. */
export async function startClusterCaller(shop: Installation, app: string, daemon: PodObject): Promise<ClusterCaller> {
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
