/** `npm run bench -- chaos-mesh`: partitions by both daemons on the same pod, turn by turn, beside what the kernel alone takes. */
import { channel } from 'node:diagnostics_channel';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolderOf, createLogger } from '@chaosplane/common';
import { createHost, startDaemon } from '@chaosplane/daemon';
import { ChaosDaemonDefinition } from '@chaosplane/proto';
import { createTestbed, type Testbed } from '@chaosplane/testbed';
import { createChannel, createClient } from 'nice-grpc';
import { bareRules, DELETE_BARE_RULES } from '../floor.ts';
import { benchPeers, createFigures } from '../timing.ts';
import { buildChaosMesh } from './build.ts';
import { cleanPod, startChaosMesh, type ChaosMeshTarget } from './daemon.ts';

const COUNTS = [1, 100, 1000] as const;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Runs it, prints the table and how often one is in the other. */
export async function benchChaosMesh(rounds: number): Promise<void> {
  const cache = cacheFolderOf(process.env);
  const programs = await buildChaosMesh(cache, say);
  const testbed = await createTestbed({ report: say });
  try {
    await compare(testbed, programs, rounds);
  } finally {
    await testbed.close();
  }
}

async function compare(testbed: Testbed, programs: string, rounds: number): Promise<void> {
  const figures = createFigures();
  let started = 0;
  channel('child_process').subscribe(() => started++);
  const pod = await testbed.runPod({ name: 'target', containers: [{ name: 'app', args: ['pause'] }] });
  const netnsPath = pod.netnsPath ?? '';
  const target: ChaosMeshTarget = { container: `containerd://${pod.containers['app']?.id ?? ''}`, podUid: pod.uid };
  const { runtimeEndpoint, folder } = testbed;
  const work = join(folder, 'bench');
  await mkdir(work);
  const other = await startChaosMesh(work, programs, runtimeEndpoint.replace('unix://', ''));
  const socketPath = join(folder, 'daemon', 'daemon.sock');
  const places = { socketPath, stateDir: join(folder, 'state-of-daemon'), runtimeEndpoint };
  const daemon = await startDaemon(places, { logger: createLogger({ level: 'error' }) });
  const grpc = createChannel(`unix://${socketPath}`);
  const client = createClient(ChaosDaemonDefinition, grpc);
  const host = await createHost({ nodeName: 'bench', runtimeEndpoint });
  const netns = host.openNetns(netnsPath);

  const ours = async <T>(name: string, work_: () => Promise<T> | T): Promise<T> => {
    const [before, begun] = [started, performance.now()];
    const result = await work_();
    figures.add(name, performance.now() - begun, started - before);
    return result;
  };
  await other.ping(target);
  for (let round = 0; round < rounds; round++) {
    const ping = await other.ping(target);
    figures.add('an RPC that changes nothing: Chaos Mesh', ping.ms, ping.processes);
    await ours('an RPC that changes nothing: ChaosPlane', () =>
      client.cancelChaos({ executionId: 'no-such-execution' }),
    );
    for (const count of COUNTS) {
      const peers = benchPeers(count);
      await ours(`inject, ${count} peers: kernel alone`, () => netns.nft(bareRules(peers)));
      await ours(`cancel, ${count} peers: kernel alone`, () => netns.nft(DELETE_BARE_RULES));
      const parameters = { podName: 'target', peers: peers.join(',') };
      const request = { experimentId: 'bench', action: 'partition', parameters };
      const { executionId } = await ours(`inject, ${count} peers: ChaosPlane`, () => client.execNetworkChaos(request));
      await ours(`cancel, ${count} peers: ChaosPlane`, () => client.cancelChaos({ executionId }));
      // What it leaves would spare it work the next time.
      await cleanPod(netnsPath);
      const injected = await other.partition(target, peers);
      figures.add(`inject, ${count} peers: Chaos Mesh`, injected.ms, injected.processes);
      const recovered = await other.recover(target);
      figures.add(`cancel, ${count} peers: Chaos Mesh`, recovered.ms, recovered.processes);
      await cleanPod(netnsPath);
    }
  }
  say(
    `\n${rounds} rounds, turn by turn; milliseconds. Processes: ours by our daemon, theirs by the whole machine meanwhile.\n`,
  );
  for (const line of figures.table()) say(line);
  say('');
  for (const verb of ['inject', 'cancel'])
    for (const count of COUNTS) {
      const of = (whose: string): number => figures.median(`${verb}, ${count} peers: ${whose}`);
      say(
        `${verb} for ${count} peers: ChaosPlane is ${(of('Chaos Mesh') / of('ChaosPlane')).toFixed(1)} times as fast`,
      );
    }
  await netns.close();
  await host.close();
  grpc.close();
  await daemon.stop();
  await other.close();
}
