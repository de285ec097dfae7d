/** `npm run bench -- felt`: what an application feels of a fault, beside a real one and Chaos Mesh's, turn by turn on pods of one node. */
import { mkdir } from 'node:fs/promises';
import { release, version } from 'node:os';
import { join } from 'node:path';
import { cacheFolderOf, createLogger } from '@chaosplane/common';
import { createHost, startDaemon } from '@chaosplane/daemon';
import { ChaosDaemonDefinition, type ChaosDaemonClient } from '@chaosplane/proto';
import { createTestbed, type Testbed } from '@chaosplane/testbed';
import { createChannel, createClient } from 'nice-grpc';
import { buildChaosMesh } from '../chaos-mesh/build.ts';
import { startChaosMesh, type ChaosMesh } from '../chaos-mesh/daemon.ts';
import { benchPackages, bringPackages } from '../needs.ts';
import { chaosMesh, chaosPlane, nothingWrong, realOne, type Column, type Fault, type Undo } from './columns.ts';
import { feelCut, feelStream, streamsFor, type Felt } from './measures.ts';
import { startPair } from './pairs.ts';
import { gather, show } from './table.ts';

export interface FeltOptions {
  /** Seconds. */
  readonly cut: number;
  /** Ends it early; everything is removed first. */
  readonly signal: AbortSignal;
}

const STREAMS: readonly (readonly [string, Fault])[] = [
  ...[1, 5, 20].map((percent) => [`loss ${percent} %`, { kind: 'loss', percent }] as const),
  ...[20, 100].map((latencyMs) => [`delay ${latencyMs} ms`, { kind: 'delay', latencyMs }] as const),
];
const COLUMNS = 4;
/** Of one stream, with putting the fault in place and taking it away. */
const STREAM_SECONDS = 5;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Runs it and prints the table. @throws the signal's reason when it ended early. */
export async function benchFelt(rounds: number, { cut, signal }: FeltOptions): Promise<void> {
  await bringPackages(benchPackages, 'the bench', say);
  const cache = cacheFolderOf(process.env);
  const programs = await buildChaosMesh(cache, say, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    return { unavailable: `Chaos Mesh's daemon could not be built: ${firstLine(error)}` };
  });
  const testbed = await createTestbed({ report: say, signal });
  const ends: Undo[] = [() => testbed.close()];
  const interrupted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });
  try {
    signal.throwIfAborted();
    const work = compare(testbed, programs, ends, rounds, cut * 1000, signal);
    await Promise.race([work, interrupted]);
  } finally {
    if (signal.aborted) say('removing everything');
    for (const end of ends.toReversed())
      await end().catch((error: unknown) => say(`something was not ended as it should: ${firstLine(error)}`));
  }
}

type Programs = string | { readonly unavailable: string };

/** What has to be ended is added to `ends`. */
async function compare(
  testbed: Testbed,
  programs: Programs,
  ends: Undo[],
  rounds: number,
  cutMs: number,
  signal: AbortSignal,
): Promise<void> {
  const { runtimeEndpoint, folder } = testbed;
  const socketPath = join(folder, 'daemon', 'daemon.sock');
  const places = { socketPath, stateDir: join(folder, 'state-of-daemon'), runtimeEndpoint };
  const daemon = await startDaemon(places, { logger: createLogger({ level: 'error' }) });
  ends.push(() => daemon.stop());
  const grpc = createChannel(`unix://${socketPath}`);
  ends.push(async () => grpc.close());
  const client = createClient(ChaosDaemonDefinition, grpc);
  const other = await startOther(testbed, programs, ends);
  const { netem, reference, summary } = await kernelOf(client);
  const pair = async (name: string) => {
    say(`starting a pair of pods: ${name}`);
    const made = await startPair(testbed, name, retriesWithin(cutMs));
    ends.push(async () => made.close());
    return made;
  };
  const columns = [
    nothingWrong(await pair('nothing')),
    realOne(await pair('real'), client, netem),
    chaosPlane(await pair('chaosplane'), client),
    chaosMesh(await pair('chaosmesh'), other, netem),
  ];
  const gathered = gather(columns.map(({ title }) => title));
  const plural = rounds === 1 ? '1 round' : `${rounds} rounds`;
  const seconds = rounds * (cutMs / 1000 + 10 + STREAMS.length * COLUMNS * STREAM_SECONDS);
  say(`\n${summary}\n${plural}, about ${Math.ceil(seconds / 60)} minutes; longer on a busy machine\n`);
  for (let round = 1; round <= rounds; round++) {
    const turn = `round ${round} of ${rounds}`;
    const row = `cut, ${cutMs / 1000} s`;
    say(`${turn}, ${row}: all pairs at once, until what waited has arrived …`);
    const felt = await Promise.all(columns.map(async (column) => [column, await feelCut(column, cutMs)] as const));
    for (const [column, what] of felt) {
      gathered.add(row, column.title, what);
      say(`  ${column.title.padEnd(14)} ${inWords(what)}`);
    }
    for (const [name, fault] of STREAMS) {
      for (const column of columns) {
        signal.throwIfAborted();
        await oneStream(gathered, column, name, fault, turn, signal);
      }
    }
  }
  say('');
  for (const line of gathered.lines()) say(line);
  say(`\n${summary} Medians of ${plural}. ${reference}`);
  const many = STREAMS.filter(([, fault]) => streamsFor(fault) > 1).map(([name]) => name);
  say(`One stream; of ${many.join(' and ')} ${streamsFor({ kind: 'loss', percent: 20 })} side by side.`);
}

async function oneStream(
  gathered: ReturnType<typeof gather>,
  column: Column,
  name: string,
  fault: Fault,
  turn: string,
  signal: AbortSignal,
): Promise<void> {
  if (gathered.refused(name, column.title)) return;
  try {
    const felt = await feelStream(column, fault);
    gathered.add(name, column.title, felt);
    say(`${turn}, ${name.padEnd(12)} ${column.title.padEnd(14)} ${inWords(felt)}`);
  } catch (error) {
    // Its pods are being removed.
    signal.throwIfAborted();
    gathered.refuse(name, column.title, firstLine(error));
    say(`${turn}, ${name.padEnd(12)} ${column.title.padEnd(14)} cannot: ${firstLine(error)}`);
  }
}

const inWords = (felt: Felt): string => [...felt].map(([what, reading]) => `${what} ${show([reading])}`).join(', ');

async function startOther(
  testbed: Testbed,
  programs: Programs,
  ends: Undo[],
): Promise<ChaosMesh | { readonly unavailable: string }> {
  if (typeof programs !== 'string') return programs;
  say("starting Chaos Mesh's daemon");
  const work = join(testbed.folder, 'bench');
  await mkdir(work);
  const other = await startChaosMesh(work, programs, testbed.runtimeEndpoint.replace('unix://', ''));
  ends.push(() => other.close());
  return other;
}

/**
 * So that connect() gives up before the cut is over, as a rule: after n tries more it has waited 1 + 2 + 4 … = 2^(n + 1) - 1 seconds,
 * and up to 5 s longer on kernels whose first tries come each second (`tcp_syn_linear_timeouts`).
 */
const retriesWithin = (cutMs: number): number => Math.max(1, Math.floor(Math.log2(cutMs / 1000)) - 1);

/** What this kernel can do, and what the column "a real one" is here. */
async function kernelOf(client: ChaosDaemonClient) {
  const host = await createHost({ nodeName: 'bench' });
  const netem = (await host.capabilities()).some(({ name, available }) => name === 'sch-netem' && available);
  await host.close();
  // Debian's release says 6.1.0 for every kernel of that series.
  const kernel = /Debian (\d[\d.]*)/.exec(version())?.[1] ?? release().split('-')[0];
  const { actions } = await client.getCapabilities({});
  const engine = actions.find(({ action }) => action === 'network-delay')?.engine ?? 'none';
  return {
    netem,
    summary: `Linux ${kernel}, ${netem ? 'with' : 'without'} netem; ChaosPlane delays by its engine "${engine}".`,
    reference: [
      'A real one: the cable of the receiver is out; a share of what comes in is lost at the receiver (nftables, ingress);',
      netem
        ? 'the cable to the receiver is slow (netem behind the bridge).'
        : "what comes in is late at the receiver (ChaosPlane's queue engine, because this kernel has no netem).",
    ].join(' '),
  };
}

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0]?.trim() ?? '';
