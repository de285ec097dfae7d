/** Nothing without an owner: what is in force on the nodes belongs to an experiment that exists, regardless of what became of the object and of the operator. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { systemClock } from '@chaosplane/common';
import { isFinal, chaosExperiments, type ExperimentObject } from '@chaosplane/api';
import { isNotFound } from '@chaosplane/kube';
import { durationOf, type ChaosDaemonClient, type Execution } from '@chaosplane/proto';
import pMap from 'p-map';
import { eventually } from '@chaosplane/testkit/eventually';
import type { Daemons } from '../../src/daemons/daemons.ts';
import { ownerOf } from '../../src/daemons/orphans.ts';
import { eachOnStage, isEffective } from './each-on-stage.ts';
import type { StagedOperator } from './stage-operator.ts';
import type { Stage } from './stage.ts';

jest.setTimeout(900_000);

let stage: Stage;
let daemons: Daemons;

// Before the stage is closed.
afterEach(() => daemons.close());
eachOnStage(async (next) => {
  stage = next;
  daemons = await stage.connect();
  daemons.know(new Map(stage.nodes.map(({ name, podIp = '' }) => [name, podIp])));
});
const clients = (): ChaosDaemonClient[] => stage.nodes.map(({ name }) => daemons.of(name));
const ref = (name: string) => ({ namespace: stage.namespace, name });

const create = (name: string, app: string): Promise<ExperimentObject> =>
  stage.apply(name, {
    target: { labelSelector: { matchLabels: { app } }, mode: 'all' },
    action: { type: 'network-delay', parameters: { latency: '100ms' } },
    duration: '10m',
  });

/** As people do whose delete hangs. */
async function strip(name: string): Promise<void> {
  try {
    await stage.client.patch(chaosExperiments, ref(name), { kind: 'merge', body: { metadata: { finalizers: null } } });
    await stage.client.delete(chaosExperiments, ref(name));
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

async function pods(app: string): Promise<void> {
  for (const [index, node] of stage.nodes.entries()) await stage.addPod(`${app}-${index}`, node, { app });
}

/** What the daemons have. */
async function allLive(): Promise<Execution[]> {
  const answers = await Promise.all(clients().map((client) => client.listExecutions({ includeEnded: false })));
  return answers.flatMap(({ executions }) => executions);
}

/** What the daemons have and the objects do not want, or the other way round; undefined when they agree. */
async function differences(): Promise<string | undefined> {
  const { items } = await stage.client.list(chaosExperiments, { namespace: stage.namespace });
  const open = new Map(items.map((object) => [object.metadata.uid ?? '', object]));
  for (const [uid, { status }] of open) if (isFinal({ phase: status?.phase ?? 'Pending' })) open.delete(uid);
  const live = await allLive();
  const wrong = live
    .filter((one) => !open.has(ownerOf(one)?.uid ?? ''))
    .map(({ experimentId }) => `too many: ${experimentId}`);
  for (const [uid, { metadata, status }] of open) {
    const own = live.filter((one) => ownerOf(one)?.uid === uid).length;
    if (metadata.deletionTimestamp !== undefined) wrong.push(`not deleted yet: ${metadata.name}`);
    else if (!isEffective({ status } as ExperimentObject) || own !== stage.nodes.length)
      wrong.push(`not in force yet: ${metadata.name}`);
  }
  return wrong.length === 0 ? undefined : wrong.join(', ');
}

async function agree(what: string): Promise<void> {
  await eventually(what, differences, { withinMs: 60_000, is: (seen) => seen === undefined });
}

/** So soon after the operator sees that an experiment is gone, its faults are. Milliseconds. */
const SOON_MS = 5000;
/** On a machine that is busy, so many times what an ordinary deletion takes there, in the same run. */
const FACTOR = 3;

/** Milliseconds from a deletion, with its finalizer, until the object and all of its faults are gone. */
async function ordinaryDeletion(): Promise<number> {
  const before = stage.print();
  await create('ordinary', 'web');
  await stage.until('ordinary', isEffective);
  const since = performance.now();
  await stage.client.delete(chaosExperiments, ref('ordinary'));
  await eventually('the ordinary one is gone', async () =>
    (await stage.get('ordinary')) === undefined ? true : undefined,
  );
  expect(stage.print()).toBe(before);
  return performance.now() - since;
}

/** Milliseconds from now until no daemon has anything of the experiment with that uid. */
async function untilGone(uid: string): Promise<number> {
  const since = performance.now();
  await eventually('nothing of it is left', async () => {
    return (await liveOf(uid)).length === 0 ? true : undefined;
  });
  return performance.now() - since;
}

/** What the daemons have of the experiment with that uid. */
async function liveOf(uid: string): Promise<Execution[]> {
  return (await allLive()).filter((one) => ownerOf(one)?.uid === uid);
}

describe('the finalizer is taken away and the experiment deleted', () => {
  let before: string;

  beforeEach(async () => {
    await pods('web');
    before = stage.print();
  });

  const isClean = async () => (stage.print() === before ? true : undefined);

  test('while the operator runs: its faults are gone about as soon as ever, and those that a person asked for stay', async () => {
    stage.startOperator();
    const ordinaryMs = await ordinaryDeletion();
    await create('slow', 'web');
    const { metadata } = await stage.until('slow', isEffective);
    const [client] = clients();
    const parameters = { podName: 'web-0', podNamespace: stage.namespace, percent: '10' };
    const { executionId } = await client!.execNetworkChaos({
      experimentId: 'by-hand',
      action: 'loss',
      parameters,
      options: { ttl: durationOf(600_000) },
    });
    await strip('slow');
    expect(await untilGone(metadata.uid ?? '')).toBeLessThan(Math.max(SOON_MS, FACTOR * ordinaryMs));
    expect((await allLive()).map((one) => one.executionId)).toEqual([executionId]);
    await client!.cancelChaos({ executionId });
    expect(await isClean()).toBe(true);
  });

  test('while no operator runs: the next one finds it when it starts, about as soon as it does anything', async () => {
    const first = stage.startOperator({ identity: 'one' });
    const ordinaryMs = await ordinaryDeletion();
    await create('slow', 'web');
    const { metadata } = await stage.until('slow', isEffective);
    await first.stop();
    await strip('slow');
    await create('other', 'web');
    expect(stage.print()).not.toBe(before);
    stage.startOperator({ identity: 'two' });
    // By then it has seen what there is.
    await stage.until('other', isEffective);
    expect(await untilGone(metadata.uid ?? '')).toBeLessThan(Math.max(SOON_MS, FACTOR * ordinaryMs));
    await agree('only what has a owner is left');
    await stage.client.delete(chaosExperiments, ref('other'));
    await eventually('nothing is left', isClean);
  });
});

test('an experiment whose name is longer than an id has room for keeps its faults until it loses its finalizer', async () => {
  await pods('web');
  const before = stage.print();
  const long = `${'web-1.'.repeat(41)}example`;
  const first = stage.startOperator({ identity: 'one' });
  await create(long, 'web');
  const { metadata } = await stage.until(long, isEffective);
  await first.stop();
  stage.startOperator({ identity: 'two' });
  await create('another', 'web');
  const { metadata: another } = await stage.until('another', isEffective);
  await strip('another');
  await untilGone(another.uid ?? '');
  expect(await liveOf(metadata.uid ?? '')).toHaveLength(2);
  await strip(long);
  await untilGone(metadata.uid ?? '');
  expect(stage.print()).toBe(before);
});

/** 200 of them take minutes; the long run has them all. */
const SEQUENCES = Number(process.env['CHAOSPLANE_TEST_SEQUENCES'] ?? 24);
const AT_ONCE = 8;
const STEPS = 6;

/** The same numbers for the same seed. */
function chances(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test(`daemons and objects agree after each of ${SEQUENCES} random sequences of create, delete, strip and restart`, async () => {
  const seed = Number(process.env['CHAOSPLANE_TEST_SEED'] ?? Date.now() % 1_000_000);
  for (let slot = 0; slot < AT_ONCE; slot += 1) await pods(`app-${slot}`);
  const before = stage.print();
  let starts = 0;
  let operator: StagedOperator;
  const start = (): void => void (operator = stage.startOperator({ identity: `operator-${(starts += 1)}` }));
  start();
  let restarting = Promise.resolve();
  const restart = (): Promise<void> => (restarting = restarting.then(() => operator.stop()).then(start));

  const play = async (sequence: number): Promise<string[]> => {
    const chance = chances(seed + sequence);
    const names: string[] = [];
    for (let step = 0; step < STEPS; step += 1) {
      const kind = Math.floor(chance() * 8);
      const name = names[Math.floor(chance() * names.length)];
      if (kind < 3 || name === undefined) {
        names.push(`s${sequence}-${step}`);
        await create(names.at(-1) ?? '', `app-${sequence % AT_ONCE}`);
      } else if (kind < 5) await stage.client.delete(chaosExperiments, ref(name)).catch(ignoreGone);
      else if (kind < 7) await strip(name);
      else await restart();
      await systemClock.sleep(chance() * 150);
    }
    return names;
  };
  for (let first = 0; first < SEQUENCES; first += AT_ONCE) {
    const sequences = Array.from({ length: Math.min(AT_ONCE, SEQUENCES - first) }, (_, index) => first + index);
    const names = (await pMap(sequences, play)).flat();
    await restarting;
    await agree(`seed ${seed}, sequences from ${first}`);
    await pMap(names, (name) => stage.client.delete(chaosExperiments, ref(name)).catch(ignoreGone));
    await eventually(`seed ${seed}, nothing of the sequences from ${first}`, async () =>
      stage.print() === before ? true : undefined,
    );
  }
});

function ignoreGone(error: unknown): void {
  if (!isNotFound(error)) throw error;
}
