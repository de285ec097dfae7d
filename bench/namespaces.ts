/** `npm run bench:namespaces`: a node with very many pods – memory and time for each, while their number grows. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, systemClock } from '@chaosplane/common';
import { createHost, startDaemon, type ContainerRuntime, type Host, type SandboxDetail } from '@chaosplane/daemon';
import { ChaosDaemonDefinition } from '@chaosplane/proto';
import { createChannel, createClient } from 'nice-grpc';
import { kernelPackages } from '../tools/test/layers.ts';
import { bringPackages, orEnd } from './needs.ts';

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const prefix = `cpbench-${process.pid}-${systemClock.randomHex(2)}`;

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `${prefix}-${index}`);

function ip(options: readonly string[], commands: readonly string[]): void {
  execFileSync('ip', [...options, '-batch', '-'], { input: commands.map((command) => `${command}\n`).join('') });
}

/** Namespaces are pods to the daemon: the container runtime is the only thing here that is not real. */
function runtimeOf(pods: readonly string[]): ContainerRuntime {
  const sandboxes = pods.map((name): SandboxDetail => ({
    id: `sandbox-${name}`,
    podName: name,
    podNamespace: 'default',
    podUid: `uid-${name}`,
    ready: true,
    createdAt: 1n,
    labels: {},
    runtimeHandler: '',
    hostNetwork: false,
    ips: ['10.9.0.1'],
    netnsPath: `/run/netns/${name}`,
  }));
  const byId = new Map(sandboxes.map((sandbox) => [sandbox.id, sandbox]));
  return {
    version: async () => 'bench 1',
    sandboxes: async () => sandboxes,
    sandboxesOf: async ({ podName }) => sandboxes.filter((sandbox) => sandbox.podName === podName),
    sandbox: async (id) => byId.get(id),
    describe: async ({ id }) => byId.get(id),
    containers: async () => [],
    container: async () => undefined,
    exec: () => Promise.reject(new Error('there are no containers')),
    close: () => undefined,
  };
}

interface Measured {
  readonly injectMs: number;
  readonly sweepMs: number;
  readonly undoMs: number;
  /** KiB that the process has more for each active one: measured over the second half, when everything else is there. */
  readonly memoryKb: number;
}

/** Milliseconds that `work` takes. */
async function time(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** KiB, without garbage. */
function residentKb(): number {
  globalThis.gc?.();
  return process.memoryUsage().rss / 1024;
}

async function measure(count: number): Promise<Measured> {
  const pods = names(count);
  const folder = await mkdtemp(join(tmpdir(), 'chaosplane-bench-'));
  const real = await createHost({ nodeName: 'bench' });
  const host: Host = { ...real, runtime: runtimeOf(pods), close: async () => undefined };
  const settings = { socketPath: join(folder, 'socket', 'daemon.sock'), stateDir: join(folder, 'state') };
  const start = () => startDaemon(settings, { logger: createLogger({ level: 'error' }), host });
  ip(
    [],
    pods.map((name) => `netns add ${name}`),
  );
  try {
    for (const name of pods)
      ip(
        ['-n', name],
        [
          'link add eth0 type veth peer name eth1',
          // A fault is on every device that is up and has an address.
          'addr add 10.9.0.1/24 dev eth0',
          'link set eth0 up',
          'link set eth1 up',
        ],
      );
    let daemon = await start();
    const channel = createChannel(`unix://${settings.socketPath}`);
    const client = createClient(ChaosDaemonDefinition, channel);
    let [half, halfKb] = [0, 0];
    const injectMs = await time(async () => {
      // As an operator does: some at a time.
      for (let at = 0; at < count; at += 10) {
        if (half === 0 && at >= count / 2) [half, halfKb] = [at, residentKb()];
        const parameters = { targetCidr: '10.0.0.0/8,192.168.7.0/24' };
        const some = pods.slice(at, at + 10);
        await Promise.all(
          some.map((podName) =>
            client.execNetworkChaos({
              experimentId: 'bench',
              action: 'partition',
              parameters: { podName, ...parameters },
            }),
          ),
        );
      }
    });
    const memoryKb = (residentKb() - halfKb) / (count - half);
    channel.close();
    await daemon.stop();
    const sweepMs = await time(async () => (daemon = await start()));
    if (daemon.swept.kept.length !== count) throw new Error(`the sweep kept ${daemon.swept.kept.length} of ${count}`);
    const undoMs = await time(() => daemon.recoverAll());
    await daemon.stop();
    return { injectMs, sweepMs, undoMs, memoryKb };
  } finally {
    ip(
      ['-force'],
      pods.map((name) => `netns del ${name}`),
    );
    await real.close();
    await rm(folder, { recursive: true });
  }
}

/** The processes of before have left nothing of theirs in the memory of this one. */
function inProcessOfItsOwn(count: number): Measured {
  const argv = ['--expose-gc', import.meta.filename, 'one', String(count)];
  const printed = execFileSync(process.execPath, argv, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  return JSON.parse(printed) as Measured;
}

/** Prints a line for each number of pods. */
async function bench(counts: readonly number[]): Promise<void> {
  await bringPackages(kernelPackages, 'the bench', say);
  say(`faults in ${counts.join(', ')} network namespaces, which are made first; half a minute to a minute`);
  const heads = ['inject', 'sweep', 'undo all', 'memory'].map((head) => head.padStart(16)).join('');
  say(`${'pods'.padStart(6)}${heads}   each`);
  for (const count of counts) {
    const { injectMs, sweepMs, undoMs, memoryKb } = inProcessOfItsOwn(count);
    const cells = [injectMs, sweepMs, undoMs].map((ms) => `${(ms / count).toFixed(2)} ms`.padStart(16)).join('');
    say(`${String(count).padStart(6)}${cells}${`${memoryKb.toFixed(0)} KiB`.padStart(16)}`);
  }
}

const [first, ...rest] = process.argv.slice(2);
if (first === 'one') {
  // The first round warms everything up.
  await measure(20);
  say(JSON.stringify(await measure(Number(rest[0]))));
  process.exit();
}
await orEnd(bench(first === undefined ? [125, 250, 500] : [first, ...rest].map(Number)));
