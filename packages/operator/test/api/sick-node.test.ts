/** One of two daemons hangs, or the API server takes its time: the healthy node is hit, told of and left alone as soon as ever. */
import { describe, expect, jest, test } from '@jest/globals';
import { systemClock } from '@chaosplane/common';
import type { KubeClient } from '@chaosplane/kube';
import { distribution } from '@chaosplane/testkit';
import { ABORT_ANNOTATION, chaosExperiments, type ExperimentObject } from '@chaosplane/api';
import { eventually } from '@chaosplane/testkit/eventually';
import { eachOnStage } from './each-on-stage.ts';
import { type Stage } from './stage.ts';

jest.setTimeout(900_000);

/** Of these, half are on the node whose daemon hangs. */
const TARGETS = 20;

/** How much longer than with both daemons well it may take. */
const FACTOR = 3;

/**
 * How often what was slower is looked at in all: a daemon that holds something up does so each time, a machine that does
 * something else for half a second does not. The median counts.
 */
const LOOKS = 3;

/** How long a slow API server takes for each answer, in milliseconds; `npm run test:long -- slow-api` sets it. */
const SLOW_MS = Number(process.env['CHAOSPLANE_TEST_API_MS'] ?? 0);

let stage: Stage;

eachOnStage(async (next) => {
  stage = next;
  for (let index = 0; index < TARGETS; index += 1) await stage.addPod(`p${index}`, stage.nodes[index % 2]!);
});

/** An API server that takes its time for each answer. */
function slow(client: KubeClient): KubeClient {
  const late = <Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) => {
    return async (...args: Args): Promise<Result> => {
      await systemClock.sleep(SLOW_MS);
      return call(...args);
    };
  };
  const methods = ['get', 'list', 'create', 'replace', 'apply', 'patch', 'delete'] as const;
  return { ...client, ...Object.fromEntries(methods.map((name) => [name, late(client[name] as never)])) };
}

/** When the second daemon begins to hang. */
type Moment = 'never' | 'before' | 'in' | 'after';

/** Milliseconds from the order until the healthy node was hit, until the status said so, and the same of an abort. */
interface Took {
  readonly hit: number;
  readonly told: number;
  readonly free: number;
  readonly toldFree: number;
}

const TIMES = ['hit', 'told', 'free', 'toldFree'] as const satisfies readonly (keyof Took)[];

const printOf = (): string => stage.nodes[0]!.kernel.print();
const faultsOf = (print: string): number => print.split('netem').length - 1;
let serial = 0;

async function play(hang: Moment): Promise<Took> {
  const [, sick] = stage.nodes;
  const name = `play-${(serial += 1)}`;
  const quiet = printOf();
  const since = performance.now();
  const after = async (what: string, look: () => boolean | Promise<boolean>, from: number): Promise<number> => {
    await eventually(`${name}: ${what}`, async () => ((await look()) ? true : undefined), { withinMs: 120_000 });
    return performance.now() - from;
  };
  const status = async (): Promise<ExperimentObject['status']> => (await stage.get(name))?.status;
  if (hang === 'before') sick!.wire.hold();
  await stage.apply(name, {
    target: { labelSelector: { matchLabels: { app: 'web' } }, mode: 'all' },
    action: { type: 'network-delay', parameters: { latency: '100ms' } },
    duration: '10m',
    injectionTimeout: '5m',
  });
  if (hang === 'in') {
    await after('begins', () => printOf() !== quiet, since);
    sick!.wire.hold();
  }
  const hit = await after('hits', () => faultsOf(printOf()) >= TARGETS / 2, since);
  const told = await after('says so', async () => ((await status())?.counts?.injected ?? 0) >= TARGETS / 2, since);
  if (hang === 'never' || hang === 'after')
    await after('is in force', async () => (await status())?.effectiveAt !== undefined, since);
  if (hang === 'after') sick!.wire.hold();
  const asked = performance.now();
  const body = { metadata: { annotations: { [ABORT_ANNOTATION]: 'true' } } };
  await stage.client.patch(chaosExperiments, { namespace: stage.namespace, name }, { kind: 'merge', body });
  const free = await after('frees', () => printOf() === quiet, asked);
  const toldFree = await after(
    'says that',
    async () => ((await status())?.counts?.recovered ?? 0) >= TARGETS / 2,
    asked,
  );
  sick!.wire.letGo();
  await after('ends', async () => (await status())?.phase === 'Aborted', asked);
  await after('leaves nothing', () => stage.nodes[1]!.kernel.print() === emptyOther, asked);
  return { hit, told, free, toldFree };
}

let emptyOther = '';

async function compare(client: KubeClient): Promise<void> {
  stage.startOperator({ client });
  emptyOther = stage.nodes[1]!.kernel.print();
  // The first one connects.
  await play('never');
  const well = [await play('never')];
  const longest = (key: keyof Took): number => Math.max(...well.map((took) => took[key]));
  const sick: Record<Exclude<Moment, 'never'>, Took[]> = { before: [], in: [], after: [] };
  const slower = (): string[] =>
    Object.entries(sick).flatMap(([hang, looks]) =>
      TIMES.flatMap((key) => {
        const { median: took } = distribution(looks.map((look) => look[key]));
        if (took <= FACTOR * longest(key)) return [];
        return [`${hang}, ${key}: ${took.toFixed(0)} ms against ${longest(key).toFixed(0)} ms`];
      }),
    );
  for (const [hang, looks] of Object.entries(sick)) {
    do {
      // The machine may have become slower meanwhile.
      if (looks.length > 0) well.push(await play('never'));
      looks.push(await play(hang as Moment));
    } while (looks.length < LOOKS && slower().some((line) => line.startsWith(`${hang},`)));
  }
  well.push(await play('never'));
  if (process.env['CHAOSPLANE_TEST_LOG'] !== undefined) console.log({ well, sick });
  expect(slower()).toEqual([]);
}

describe('a daemon that hangs before, in or after the injection holds up nothing of the other node', () => {
  test('with an API server that is well', () => compare(stage.operatorClient));

  (SLOW_MS > 0 ? test : test.skip)('with an API server that takes its time', () => compare(slow(stage.operatorClient)));
});
