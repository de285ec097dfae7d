/** An operator that is killed in the middle of a drain or a taint: the next one does the rest, and leaves the node as it was. */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import pMap from 'p-map';
import { ABORT_ANNOTATION, chaosExperiments, FINALIZER } from '@chaosplane/api';
import { eventually } from '@chaosplane/testkit/eventually';
import { doomed, type CrashPoint } from './doomed.ts';
import { addWork, cordonByHand, viewOf, work } from './nodes-on-stage.ts';
import { openApiServerFixture, type ApiServerFixture, type Stage } from './stage.ts';

jest.setTimeout(300_000);

let fixture: ApiServerFixture;

beforeAll(async () => {
  fixture = await openApiServerFixture();
}, 600_000);
afterAll(() => fixture.close(), 60_000);

const drain = { type: 'node-drain', parameters: { force: true } };
const taint = { type: 'node-taint', parameters: { key: 'example.com/k', effect: 'NoSchedule' } };

interface Play {
  readonly action: typeof drain | typeof taint;
  /** A person has cordoned the node before. */
  readonly cordoned: boolean;
}

/** What the node and the experiment have become, when an operator died at a step. */
async function play(stage: Stage, point: CrashPoint, { action, cordoned }: Play) {
  const [node] = stage.nodes as [Stage['nodes'][number]];
  for (const name of ['one', 'two']) await addWork(stage, node, name, { labels: { app: 'web' } });
  if (cordoned) await cordonByHand(stage, node, true);
  const before = await viewOf(stage, node);
  const daemons = await stage.connect();
  const identity = 'operator-0';
  const dying = doomed({ client: stage.operatorClient, daemons }, point);
  const operator = stage.startOperator({ identity, doomed: true, ...dying });
  let ended: string | undefined;
  void operator.ended.catch((error: unknown) => (ended = String(error)));
  await stage.apply('x', { target: { kind: 'Node', names: [node.name] }, action, duration: '10m' });
  let aborted = false;
  /** Ends it as soon as its effect is there, however long that takes on a busy machine. */
  const isDone = async (): Promise<boolean> => {
    const object = await stage.get('x');
    if (ended !== undefined) throw new Error(`the operator ended by itself: ${ended}`);
    if (object?.status?.targets?.[0]?.evidence?.verdict === 'Verified' && !aborted) {
      const body = { metadata: { annotations: { [ABORT_ANNOTATION]: 'true' } } };
      await stage.client.patch(chaosExperiments, { namespace: stage.namespace, name: 'x' }, { kind: 'merge', body });
      aborted = true;
    }
    return object?.status?.endedAt !== undefined && object.metadata.finalizers?.includes(FINALIZER) !== true;
  };
  await eventually('it ended or the operator died', async () => (await isDone()) || point.crashed, {
    withinMs: 60_000,
  });
  if (point.crashed) stage.startOperator({ identity });
  await eventually('it ended', isDone, { withinMs: 90_000 });
  daemons.close();
  const { status } = (await stage.get('x')) ?? {};
  const left = await work(stage, 'app=web');
  return {
    phase: status?.phase,
    verified: status?.verified,
    left,
    restored: (await viewOf(stage, node)) as unknown,
    before,
  };
}

test.each<[what: string, how: Play, steps: readonly string[]]>([
  ['a drain', { action: drain, cordoned: false }, ['patch Node', 'evict', 'apply ChaosExperiment']],
  ['a drain of a node that was cordoned', { action: drain, cordoned: true }, ['patch Node']],
  ['a taint', { action: taint, cordoned: false }, ['patch Node']],
])('%s ends as without the crash, killed at each of its steps', async (_what, how, kinds) => {
  const whole: CrashPoint = { reached: [], crashed: false };
  const calm = await fixture.stage({ nodes: 1 });
  const { before, restored, ...good } = await play(calm, whole, how);
  await calm.close();
  expect(restored).toEqual(before);
  expect(good).toEqual({ phase: 'Aborted', verified: '1/1', left: how.action === drain ? [] : ['one', 'two'] });
  const steps = whole.reached.filter((step) => kinds.some((kind) => step.includes(kind)));
  expect(steps).toEqual(
    expect.arrayContaining(['before patch Node #1', 'after patch Node #1', 'before patch Node #2']),
  );

  await pMap(
    steps,
    async (step) => {
      const stage = await fixture.stage({ nodes: 1 });
      try {
        const point: CrashPoint = { step, reached: [], crashed: false };
        const { before: was, restored: is, ...outcome } = await play(stage, point, how);
        // How often a step comes again depends a little on the time; that each comes does not.
        const died = point.crashed || !step.endsWith('#1');
        expect({ step, died, is, ...outcome }).toEqual({ step, died: true, is: was, ...good });
      } finally {
        await stage.close();
      }
    },
    { concurrency: 6 },
  );
});
