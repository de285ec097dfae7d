/** A running chaos-daemon in namespaces of its own, because it listens on all interfaces and wants programs at fixed paths. */
import { mkdir, readlink, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import * as z from 'zod';

/** What one command took. */
const answer = z.object({ ms: z.number(), processes: z.number(), error: z.string().optional() });
export type Answer = z.infer<typeof answer>;

/** The pod that commands are about. */
export interface ChaosMeshTarget {
  /** `containerd://…`. */
  readonly container: string;
  readonly podUid: string;
}

/** What it gives netem. */
export interface Netem {
  readonly latencyMs?: number;
  readonly lossPercent?: number;
}

export interface ChaosMesh {
  /** One RPC that changes nothing. */
  ping(target: ChaosMeshTarget): Promise<Answer>;
  partition(target: ChaosMeshTarget, peers: readonly string[]): Promise<Answer>;
  /** All that the pod sends on eth0 is late, or a share of it lost. @throws Error with its words, where the kernel has no netem. */
  netem(target: ChaosMeshTarget, what: Netem): Promise<Answer>;
  recover(target: ChaosMeshTarget): Promise<Answer>;
  close(): Promise<void>;
}

const PORT = 31767;

/** Starts it over the containerd of that socket; `programs` as they were built. */
export async function startChaosMesh(folder: string, programs: string, containerdSocket: string): Promise<ChaosMesh> {
  // It calls nsexec by this path, and iptables by its name, which in its image is the legacy one.
  const local = join(folder, 'usr-local-bin');
  await mkdir(local, { recursive: true });
  await symlink(join(programs, 'nsexec'), join(local, 'nsexec'));
  for (const name of ['iptables', 'ip6tables', 'iptables-save', 'iptables-restore'])
    await symlink(`/usr/sbin/${name.replace('tables', 'tables-legacy')}`, join(local, name));
  const flags = [
    ...['--runtime', 'containerd', '--runtime-socket-path', containerdSocket, '--containerd-ns', 'k8s.io'],
    ...['--grpc-port', String(PORT), '--http-port', String(PORT + 1)],
  ];
  const path = '/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  const quiet = { env: { PATH: path }, extendEnv: false, stdin: 'ignore', stdout: 'ignore', reject: false } as const;
  // The namespaces live as long as this process does.
  const holder = execa('unshare', ['--mount', '--net', 'sleep', 'infinity'], quiet);
  const own = String(holder.pid);
  await namespacesApart(own);
  await execa('nsenter', ['-t', own, '--mount', 'mount', '--bind', local, '/usr/local/bin']);
  await execa('nsenter', ['-t', own, '--net', 'ip', 'link', 'set', 'lo', 'up']);
  const argv = ['-t', own, '--mount', '--net', join(programs, 'chaos-daemon'), ...flags];
  const daemon = execa('nsenter', argv, { ...quiet, stderr: 'pipe' });
  let ended = false;
  void daemon.then(() => (ended = true));
  const client = execa('nsenter', ['-t', own, '--net', join(programs, 'client'), `127.0.0.1:${PORT}`], {
    stderr: 'inherit',
    buffer: false,
    reject: false,
  });
  const lines = createInterface(client.stdout)[Symbol.asyncIterator]();
  const ask = async (command: object): Promise<Answer> => {
    client.stdin.write(`${JSON.stringify(command)}\n`);
    const { value, done } = await lines.next();
    if (done === true) throw new Error('the client of chaos-daemon ended');
    return answer.parse(JSON.parse(value));
  };
  const must = async (command: object): Promise<Answer> => {
    const said = await ask(command);
    if (said.error !== undefined) throw new Error(`chaos-daemon: ${said.error}`);
    return said;
  };
  const named = ({ container, podUid: pod }: ChaosMeshTarget): object => ({ container, pod });
  return {
    async ping(target) {
      // Until it listens.
      for (let tries = 0; tries < 100; tries++) {
        const said = await ask({ do: 'ping', ...named(target) });
        if (said.error === undefined) return said;
        if (ended) throw new Error(`chaos-daemon ended: ${said.error}`);
        await sleep(100);
      }
      return must({ do: 'ping', ...named(target) });
    },
    partition: (target, peers) => must({ do: 'partition', ...named(target), peers }),
    netem: (target, { latencyMs = 0, lossPercent = 0 }) =>
      must({ do: 'netem', ...named(target), latency: `${latencyMs}ms`, loss: lossPercent }),
    recover: (target) => must({ do: 'recover', ...named(target) }),
    async close() {
      client.stdin.end();
      daemon.kill('SIGTERM');
      await Promise.all([client, daemon]);
      holder.kill('SIGKILL');
      await holder;
      await rm(local, { recursive: true, force: true });
    },
  };
}

/** Resolves when the process has its own network namespace. */
async function namespacesApart(pid: string): Promise<void> {
  const own = await readlink('/proc/self/ns/net');
  for (let tries = 0; (await readlink(`/proc/${pid}/ns/net`)) === own; tries++) {
    if (tries > 200) throw new Error('unshare made no namespaces');
    await sleep(10);
  }
}

/** Takes away what it leaves in a pod, as root of the machine. */
export async function cleanPod(netnsPath: string): Promise<void> {
  const run = (...argv: readonly string[]) => execa('nsenter', [`--net=${netnsPath}`, ...argv], { reject: false });
  await run('tc', 'qdisc', 'del', 'dev', 'eth0', 'root');
  await run('iptables-legacy', '-F');
  await run('iptables-legacy', '-X');
  await run('ipset', 'flush');
  await run('ipset', 'destroy');
}
