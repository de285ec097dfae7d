/** An operator that is killed at any of its steps: the next one goes on, and nothing happens twice or is left. */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import pMap from 'p-map';
import { FINALIZER } from '@chaosplane/api';
import { eventually } from '@chaosplane/testkit/eventually';
import { doomed, type CrashPoint } from './doomed.ts';
import { openApiServerFixture, type Stage, type ApiServerFixture } from './stage.ts';

jest.setTimeout(300_000);

let fixture: ApiServerFixture;

beforeAll(async () => {
  fixture = await openApiServerFixture();
}, 600_000);
afterAll(() => fixture.close(), 60_000);

const spec = {
  target: { labelSelector: { matchLabels: { app: 'web' } }, mode: 'all' },
  action: { type: 'network-delay', parameters: { latency: '100ms' } },
  duration: '2s',
};

/** Kernels before and after, executions by node, and how the experiment ended, when an operator died at a step. */
async function play(stage: Stage, point: CrashPoint, change: object = {}) {
  for (const [index, node] of stage.nodes.entries()) await stage.addPod(`p${index}`, node);
  const before = stage.print();
  const daemons = await stage.connect();
  // The new leader is the same pod: the kubelet starts its container again, and it takes its own lease in a new term.
  const identity = 'operator-0';
  const operator = stage.startOperator({
    identity,
    doomed: true,
    ...doomed({ client: stage.operatorClient, daemons }, point),
  });
  let ended: string | undefined;
  void operator.ended.then(
    () => (ended = 'in order'),
    (error: unknown) => (ended = String(error)),
  );
  await stage.apply('slow', { ...spec, ...change });
  const ends = async () => {
    const object = await stage.get('slow');
    const over = object?.status?.endedAt !== undefined && object.metadata.finalizers?.includes(FINALIZER) !== true;
    if (!over && !point.crashed && ended !== undefined) throw new Error(`the operator ended by itself: ${ended}`);
    return over || point.crashed ? object : undefined;
  };
  await eventually('it ended or the operator died', ends, { withinMs: 60_000 });
  if (point.crashed) stage.startOperator({ identity });
  const over = await stage.until(
    'slow',
    ({ status, metadata }) => status?.endedAt !== undefined && metadata.finalizers?.includes(FINALIZER) !== true,
    90_000,
  );
  daemons.close();
  return {
    phase: over.status?.phase,
    counts: over.status?.counts,
    executions: stage.nodes.map(({ journal }) => new Set(journal.writes.map(({ id }) => id)).size),
    clean: stage.print() === before,
  };
}

const good = {
  phase: 'Completed',
  counts: { targets: 2, waiting: 0, injected: 0, missed: 0, recovered: 2, verified: 0 },
  executions: [1, 1],
  clean: true,
};

/** Whole once, and then once for each step that it has, killed there. */
async function playAll(change: object, end: object, steps: number): Promise<void> {
  const whole: CrashPoint = { reached: [], crashed: false };
  const calm = await fixture.stage();
  expect(await play(calm, whole, change)).toEqual(end);
  await calm.close();
  expect(whole.reached.length).toBeGreaterThan(steps);

  const outcomes = await pMap(
    whole.reached,
    async (step) => {
      const stage = await fixture.stage();
      try {
        const point: CrashPoint = { step, reached: [], crashed: false };
        const outcome = await play(stage, point, change);
        return { ...outcome, step, died: point.crashed };
      } finally {
        await stage.close();
      }
    },
    { concurrency: 8 },
  );
  // How often a step comes again depends a little on the time; that each comes does not.
  for (const { step, died, ...outcome } of outcomes)
    expect({ step, died: died || !step.endsWith('#1'), ...outcome }).toEqual({ step, died: true, ...end });
}

test('killed at each of its steps, it is followed by a new leader that does the rest, once', () =>
  playAll({}, good, 20));

test('a dry run ends in the same way, and has changed nothing', () => {
  // A daemon that is slow to answer, on a busy machine, is not asked again: what its target would get is not known then.
  const phase = expect.stringMatching(/^(Completed|Failed)$/);
  const counts = expect.objectContaining({ targets: 2, injected: 0, recovered: 0 });
  return playAll({ execution: { dryRun: true } }, { phase, counts, executions: [0, 0], clean: true }, 6);
});
