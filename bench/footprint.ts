/** `npm run bench -- footprint`: what operator and daemon take of a node: idle, with 50 faults, with 500, and when these have ended. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chaosExperiments } from '@chaosplane/api';
import { imagePackages, packages as clusterPackages, startCluster, type Cluster } from '@chaosplane/testcluster';
import { buildBefore, buildNow, upgradeTo, type Build } from '@chaosplane/testcluster/builds';
import {
  installationOn,
  isEffective,
  NAMESPACE,
  SYSTEM,
  type Installation,
} from '@chaosplane/testcluster/installation';
import { RELEASE } from '@chaosplane/testcluster/release';
import { processOf, systemPods } from '@chaosplane/testcluster/system-pods';
import { bringPackages } from './needs.ts';

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const report = (line: string): void => void process.stderr.write(`${line}\n`);

/** All on one node, so that one daemon has all faults. */
const PODS = 10;
/** What follows a change is not measured. */
const SETTLE_MS = 40_000;
const MEASURE_MS = 60_000;
const EVERY_MS = 5_000;
const TICKS_PER_SECOND = 100;

interface Sample {
  readonly residentMb: number;
  readonly ticks: number;
  readonly threads: number;
}

/** proc(5): https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
async function sampleOf(pid: number): Promise<Sample> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const of = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const [user = 0, system = 0] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number);
  return { residentMb: (of('VmRSS') * 1024) / 1e6, ticks: user + system, threads: of('Threads') };
}

/** Of some time: the median of what is resident in MB, the share of a processor, and the threads. */
interface Footprint {
  readonly residentMb: number;
  readonly processor: number;
  readonly threads: number;
}

async function footprintOf(pids: readonly number[]): Promise<Footprint[]> {
  const began = performance.now();
  const samples: Sample[][] = [];
  while (performance.now() - began < MEASURE_MS) {
    samples.push(await Promise.all(pids.map(sampleOf)));
    await sleep(EVERY_MS);
  }
  samples.push(await Promise.all(pids.map(sampleOf)));
  const tookMs = performance.now() - began;
  return pids.map((_, index) => {
    const own = samples.flatMap((each) => each[index] ?? []);
    const resident = own.map(({ residentMb }) => residentMb).toSorted((one, other) => one - other);
    const ticks = (own.at(-1)?.ticks ?? NaN) - (own[0]?.ticks ?? NaN);
    return {
      residentMb: resident[resident.length >> 1] ?? NaN,
      processor: ticks / TICKS_PER_SECOND / (tookMs / 1000),
      threads: Math.max(...own.map(({ threads }) => threads)),
    };
  });
}

/** So many faults on each pod: partitions from addresses that no pod asks. */
async function begin(shop: Installation, from: number, to: number): Promise<void> {
  const names = Array.from({ length: to - from }, (_, index) => `fault-${from + index}`);
  for (const [index, name] of names.entries())
    await shop.apply(name, {
      target: { labelSelector: { matchLabels: { part: 'target' } }, mode: 'all' },
      action: { type: 'network-partition' },
      peers: [{ cidr: `192.0.2.${from + index}/32` }],
      duration: '1h',
    });
  for (const name of names) await shop.until(name, isEffective, 600_000);
}

async function end(shop: Installation): Promise<void> {
  await shop.cluster.kubectl(['delete', chaosExperiments.plural, '--all', '-n', NAMESPACE, '--timeout=10m']);
}

/** The rows of one build. */
async function measure(cluster: Cluster, build: Build): Promise<void> {
  report(`${build.tag}: installing`);
  await cluster.loadImages(build.images);
  await upgradeTo(cluster, build, ['operator.replicas=1']);
  const shop = installationOn(cluster);
  const node = cluster.nodes[0] ?? '';
  const [operator] = await systemPods(shop, 'operator');
  const daemon = (await systemPods(shop, 'daemon')).find(({ spec }) => spec.nodeName === node);
  if (operator === undefined || daemon === undefined) throw new Error('operator and daemon are not there');
  const pids = [await processOf(shop, operator.metadata.name), await processOf(shop, daemon.metadata.name)];
  const row = async (what: string): Promise<void> => {
    report(`${build.tag}: ${what}, ${(SETTLE_MS + MEASURE_MS) / 1000} s`);
    await sleep(SETTLE_MS);
    const cells = (await footprintOf(pids)).map(({ residentMb, processor, threads }) =>
      `${residentMb.toFixed(1)} MB, ${(processor * 100).toFixed(1)} %, ${threads} threads`.padStart(32),
    );
    say(`${build.tag.padEnd(8)}${what.padEnd(20)}${cells.join('')}`);
  };
  await row('idle');
  await begin(shop, 0, 5);
  await row(`${5 * PODS} faults`);
  await begin(shop, 5, 50);
  await row(`${50 * PODS} faults`);
  await end(shop);
  await row('after these');
  await cluster.helm(['uninstall', RELEASE, '--namespace', SYSTEM, '--wait', '--timeout', '5m']);
}

/** The build of `before`, when one is named, and that of this checkout, on one cluster. */
export async function benchFootprint(before: string | undefined): Promise<void> {
  await bringPackages({ ...clusterPackages, ...imagePackages }, 'the bench', report);
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'chaosplane-footprint-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const builds = [...(before === undefined ? [] : [await buildBefore(before)]), await buildNow('now', folder)];
  const cluster = await startCluster({ nodes: 2, report });
  stack.defer(() => cluster.stop());
  await cluster.kubectl(['create', 'namespace', NAMESPACE]);
  const names = Array.from({ length: PODS }, (_, index) => `target-${index}`);
  await installationOn(cluster).addApps(
    ...names.map((name) => ({ name, node: cluster.nodes[0] ?? '', labels: { part: 'target' } })),
  );
  say(`${''.padEnd(28)}${'operator'.padStart(32)}${"the daemon of the faults' node".padStart(32)}`);
  for (const build of builds) await measure(cluster, build);
}
