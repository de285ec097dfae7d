/** `npm run bench`: how long injecting and cancelling take over gRPC, beside the floor of the same machine in the same run. */
import { channel } from 'node:diagnostics_channel';
import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogger } from '@chaosplane/common';
import { createHost, startDaemon } from '@chaosplane/daemon';
import { ChaosDaemonDefinition, type ChaosDaemonClient } from '@chaosplane/proto';
import { createTestbed } from '@chaosplane/testbed';
import { createChannel, createClient } from 'nice-grpc';

const ROUNDS = Number(process.argv[2] ?? 50);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Node tells of each process that it starts. */
let forks = 0;
channel('child_process').subscribe(() => forks++);

interface Row {
  readonly name: string;
  readonly ms: number[];
  readonly forks: number[];
}
const rows = new Map<string, Row>();

async function time(name: string, work: () => unknown): Promise<void> {
  const row = rows.get(name) ?? { name, ms: [], forks: [] };
  rows.set(name, row);
  const before = forks;
  const started = performance.now();
  await work();
  row.ms.push(performance.now() - started);
  row.forks.push(forks - before);
}

const at = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;

const peers = (count: number): string =>
  Array.from({ length: count }, (_, index) => `10.200.${index >> 8}.${index & 255}`).join(',');

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

/** The least that a partition needs of the kernel. */
function bareRules(count: number): string[] {
  return [
    'add table inet chaosplane_bench',
    'add set inet chaosplane_bench p { type ipv4_addr ; }',
    `add element inet chaosplane_bench p { ${peers(count)} }`,
    'add chain inet chaosplane_bench o { type filter hook output priority 0 ; }',
    'add rule inet chaosplane_bench o ip daddr @p counter drop',
  ];
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
  for (let round = 0; round < ROUNDS; round++) {
    for (const count of [1, 100, 1000]) {
      await time(`floor: nft, ${count} peers, inject`, () => netns.nft(bareRules(count)));
      await time(`floor: nft, ${count} peers, cancel`, () => netns.nft(['delete table inet chaosplane_bench']));
    }
    await time('floor: one durable journal entry', () => writeDurably(durable));
    await time('floor: one RPC', () => client.cancelChaos({ executionId: 'nobody' }));
    await time('floor: pods of the runtime (CRI)', () => host.runtime.sandboxes());
    for (const count of [1, 100, 1000]) {
      await fault(client, `partition, ${count} peers`, 'partition', { peers: peers(count) });
    }
    await fault(client, 'loss', 'loss', { percent: '10' });
    await fault(client, `delay 1ms (${delayEngine})`, 'delay', { latency: '1ms' });
  }
  say(`\n${ROUNDS} rounds, interleaved; milliseconds; processes started by the daemon\n`);
  say(`${''.padEnd(36)}${['median', 'p95', 'processes'].map((head) => head.padStart(11)).join('')}`);
  for (const { name, ms, forks: started } of [...rows.values()].toSorted((a, b) => a.name.localeCompare(b.name))) {
    const cells = [at(ms, 0.5).toFixed(2), at(ms, 0.95).toFixed(2), String(Math.max(...started))];
    say(`${name.padEnd(36)}${cells.map((cell) => cell.padStart(11)).join('')}`);
  }
  await netns.close();
  await host.close();
  grpc.close();
  await daemon.stop();
} finally {
  await testbed.close();
}
