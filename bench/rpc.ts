/** `npm run bench -- rpc`: how long injecting and cancelling take over gRPC, beside the floor of the same machine in the same run. */
import { channel } from 'node:diagnostics_channel';
import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogger } from '@chaosplane/common';
import { createHost, startDaemon } from '@chaosplane/daemon';
import { ChaosDaemonDefinition, type ChaosDaemonClient } from '@chaosplane/proto';
import { createTestbed } from '@chaosplane/testbed';
import { createChannel, createClient } from 'nice-grpc';
import { bareRules, DELETE_BARE_RULES } from './floor.ts';
import { benchPackages, bringPackages } from './needs.ts';
import { benchPeers, createFigures } from './timing.ts';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Node tells of each process that it starts. */
let forks = 0;
channel('child_process').subscribe(() => forks++);

const figures = createFigures();

async function time(name: string, work: () => unknown): Promise<void> {
  const before = forks;
  const started = performance.now();
  await work();
  figures.add(name, performance.now() - started, forks - before);
}

const peers = (count: number): string => benchPeers(count).join(',');

/** One journal entry as the daemon writes it: file, fsync, rename, fsync of the folder. */
async function writeDurably(folder: string): Promise<void> {
  const file = await open(join(folder, 'draft'), 'w');
  await file.writeFile('x'.repeat(1000));
  await file.sync();
  await file.close();
  await rename(join(folder, 'draft'), join(folder, 'entry'));
  const handle = await open(folder);
  await handle.sync();
  await handle.close();
}

async function fault(
  client: ChaosDaemonClient,
  name: string,
  action: string,
  parameters: Record<string, string>,
): Promise<void> {
  let executionId = '';
  await time(`inject ${name}`, async () => {
    const request = { experimentId: 'bench', action, parameters: { podName: 'target', ...parameters } };
    ({ executionId } = await client.execNetworkChaos(request));
  });
  await time(`cancel ${name}`, () => client.cancelChaos({ executionId }));
}

/** Runs it and prints the table. */
export async function benchRpc(rounds: number): Promise<void> {
  await bringPackages(benchPackages, 'the bench', say);
  const testbed = await createTestbed({ report: say });
  try {
    const pod = await testbed.runPod({ name: 'target', containers: [{ name: 'app', args: ['pause'] }] });
    const { runtimeEndpoint, folder } = testbed;
    const socketPath = join(folder, 'daemon', 'daemon.sock');
    const daemon = await startDaemon(
      { socketPath, stateDir: join(folder, 'state-of-daemon'), runtimeEndpoint },
      { logger: createLogger({ level: 'error' }) },
    );
    const grpc = createChannel(`unix://${socketPath}`);
    const client = createClient(ChaosDaemonDefinition, grpc);
    const host = await createHost({ nodeName: 'bench', runtimeEndpoint });
    const netns = host.openNetns(pod.netnsPath ?? '');
    const durable = join(folder, 'bench');
    await mkdir(durable);
    const capabilities = await client.getCapabilities({});
    const delayEngine = capabilities.actions.find(({ action }) => action === 'network-delay')?.engine ?? 'none';
    for (let round = 0; round < rounds; round++) {
      for (const count of [1, 100, 1000]) {
        await time(`floor: nft, ${count} peers, inject`, () => netns.nft(bareRules(benchPeers(count))));
        await time(`floor: nft, ${count} peers, cancel`, () => netns.nft(DELETE_BARE_RULES));
      }
      await time('floor: one durable journal entry', () => writeDurably(durable));
      await time('floor: one RPC', () => client.cancelChaos({ executionId: 'no-such-execution' }));
      await time('floor: pods of the runtime (CRI)', () => host.runtime.sandboxes());
      for (const count of [1, 100, 1000]) {
        await fault(client, `partition, ${count} peers`, 'partition', { peers: peers(count) });
      }
      await fault(client, 'loss', 'loss', { percent: '10' });
      await fault(client, `delay 1ms (${delayEngine})`, 'delay', { latency: '1ms' });
    }
    say(`\n${rounds} rounds, interleaved; milliseconds; processes started by the daemon\n`);
    for (const line of figures.table()) say(line);
    await netns.close();
    await host.close();
    grpc.close();
    await daemon.stop();
  } finally {
    await testbed.close();
  }
}
