/** One namespace with hundreds of experiments: those of another are begun and aborted about as soon as on a cluster at rest. */
import { expect, jest, test } from '@jest/globals';
import { systemClock } from '@chaosplane/common';
import { isFinal, ABORT_ANNOTATION, chaosExperiments, type ExperimentObject } from '@chaosplane/api';
import pMap from 'p-map';
import { eventually } from '@chaosplane/testkit/eventually';
import { eachOnStage } from './each-on-stage.ts';
import { type Stage, type ApiServerFixture } from './stage.ts';

jest.setTimeout(900_000);

/** Experiments that are created at once, and how many of them may be under way; the long run has 1000 and 100. */
const CROWD = Number(process.env['CHAOSPLANE_TEST_CROWD'] ?? 150);
const UNDER_WAY = Number(process.env['CHAOSPLANE_TEST_UNDER_WAY'] ?? 50);

/** How much longer than on a cluster at rest it may take. */
const FACTOR = 5;

let stage: Stage;
let fixture: ApiServerFixture;

eachOnStage((...next) => {
  [stage, fixture] = next;
});

const spec = (app: string) => ({
  target: { labelSelector: { matchLabels: { app } }, mode: 'all' },
  action: { type: 'network-delay', parameters: { latency: '100ms' } },
  duration: '10m',
});

/** Milliseconds until the fault was there, and until it was gone after the abort. */
interface Took {
  readonly hit: number;
  readonly free: number;
}

/** Within so many milliseconds that share of them was done. */
function within(share: number, key: keyof Took, all: readonly Took[]): number {
  const sorted = all.map((took) => took[key]).toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function summary(all: readonly Took[]): object {
  const sorted = (key: keyof Took): number[] => all.map((took) => Math.round(took[key])).toSorted((a, b) => a - b);
  return { times: all.length, hit: sorted('hit').join(' '), free: sorted('free').join(' ') };
}

let serial = 0;

async function play(kernel: () => string): Promise<Took> {
  const name = `own-${(serial += 1)}`;
  const quiet = kernel();
  const until = async (what: string, look: () => boolean): Promise<number> => {
    const since = performance.now();
    await eventually(`${name} ${what}`, async () => (look() ? true : undefined), { withinMs: 120_000 });
    return performance.now() - since;
  };
  await stage.apply(name, spec('own'));
  const hit = await until('is in force', () => kernel() !== quiet);
  const body = { metadata: { annotations: { [ABORT_ANNOTATION]: 'true' } } };
  await stage.client.patch(chaosExperiments, { namespace: stage.namespace, name }, { kind: 'merge', body });
  return { hit, free: await until('is gone', () => kernel() === quiet) };
}

test(`beside ${CROWD} experiments that are created at once in another namespace, and aborted at once`, async () => {
  const crowd = await fixture.stage({ nodes: 0 });
  try {
    const [n1, n2] = stage.nodes;
    const own = await stage.addPod('own', n1!, { app: 'own' });
    for (let index = 0; index < 20; index += 1) await crowd.addPod(`p${index}`, n2!, { app: `crowd-${index}` });
    const before = n2!.kernel.print();
    const kernel = (): string => own.fake.netns.print();
    stage.startOperator({ everywhere: true, experimentsPerNamespace: UNDER_WAY });
    await play(kernel);
    const rest: Took[] = [];
    for (let turn = 0; turn < 5; turn += 1) rest.push(await play(kernel));
    const names = Array.from({ length: CROWD }, (_, index) => `crowd-${index}`);
    const inCrowd = (name: string) => ({ namespace: crowd.namespace, name });
    const busy: Took[] = [];
    const meanwhile = async (work: Promise<unknown>): Promise<void> => {
      const state = { done: false };
      void work.catch(() => undefined).finally(() => (state.done = true));
      do busy.push(await play(kernel));
      while (!state.done);
      await work;
    };
    /** Asks seldom: a list of hundreds is work for the API server, too. */
    const settled = async (like: (object: ExperimentObject) => boolean): Promise<void> => {
      for (;;) {
        const { items } = await stage.client.list(chaosExperiments, { namespace: crowd.namespace });
        if (items.every(like)) return;
        await systemClock.sleep(1000);
      }
    };
    const isOver = ({ status }: ExperimentObject): boolean => isFinal({ phase: status?.phase ?? 'Pending' });
    const create = (name: string, index: number) => crowd.apply(name, spec(`crowd-${index % 20}`));
    await meanwhile(
      pMap(names, create, { concurrency: 32 }).then(() =>
        settled((object) => isOver(object) || object.status?.effectiveAt !== undefined),
      ),
    );
    const abort = { kind: 'merge', body: { metadata: { annotations: { [ABORT_ANNOTATION]: 'true' } } } } as const;
    await meanwhile(
      pMap(names, (name) => stage.client.patch(chaosExperiments, inCrowd(name), abort), { concurrency: 32 }).then(() =>
        settled(isOver),
      ),
    );
    await eventually('nothing of the crowd is left', async () => (n2!.kernel.print() === before ? true : undefined));

    // The machine may have become slower meanwhile.
    for (let turn = 0; turn < 5; turn += 1) rest.push(await play(kernel));
    if (process.env['CHAOSPLANE_TEST_LOG'] !== undefined) console.log(summary(rest), summary(busy));
    // One in ten meets something else: the machine has others to serve.
    for (const key of ['hit', 'free'] as const)
      expect([key, within(0.9, key, busy) <= FACTOR * within(0.9, key, rest)]).toEqual([key, true]);
  } finally {
    await crowd.close();
  }
});
