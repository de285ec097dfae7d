/**
 * On a cluster, certificates and their authority are replaced three times as docs/install.md says, by kubectl, while a daemon is called
 * a hundred times a second with the files of the operator's pod.
 */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { percentile } from '@chaosplane/testkit';
import { install, isEffective, isOver, SYSTEM, type Installation } from '@chaosplane/testcluster/installation';
import { eventually } from '@chaosplane/testkit/eventually';
import type { RotationCaller } from '../rotation-caller.ts';
import { podsOfBoth, startOperatorsCaller } from './pods-of-both.ts';

jest.setTimeout(3_600_000);

const ROTATIONS = 3;
const STEPS = ['announced', 'signing', 'retired'] as const;
/** A kubelet looks at the Secrets of a pod once in 60 to 90 seconds. */
const SETTLE_S = 120;

const stack = new AsyncDisposableStack();
let shop: Installation;
let caller: RotationCaller;

const inSystem = (...argv: string[]): Promise<string> => shop.cluster.kubectl([...argv, '-n', SYSTEM]);
const say = (line: string): void => void process.stderr.write(`${line}\n`);

beforeAll(async () => {
  shop = await install([`certificates.renewal.settle=${SETTLE_S}s`]);
  stack.defer(() => shop.close());
  await shop.addApps({ name: 'caller', node: 'n2' }, { name: 'web', node: 'n1' });
  caller = await startOperatorsCaller(shop);
  stack.defer(() => caller.close());
}, 900_000);
afterAll(() => stack.disposeAsync(), 120_000);

/** Runs the Job until it has taken a step: one that comes too soon takes none. Resolves with what became of the authority. */
async function takeStep(name: string): Promise<string> {
  return eventually(
    `the step ${name}`,
    async () => {
      await inSystem('delete', 'job', name, '--ignore-not-found');
      await inSystem('create', 'job', name, '--from=cronjob/chaosplane-certificates-renewal');
      await inSystem('wait', `job/${name}`, '--for=condition=complete', '--timeout=2m');
      const lines = (await inSystem('logs', `job/${name}`)).split('\n');
      const last = lines.map((line) => JSON.parse(line) as { secrets?: Record<string, string> }).at(-1);
      const became = last?.secrets?.['chaosplane-ca'];
      return became === 'kept' ? undefined : became;
    },
    { withinMs: 4 * SETTLE_S * 1000, everyMs: 10_000 },
  );
}

test(`${ROTATIONS} rotations by kubectl: no call fails, and an experiment that runs all the while is not disturbed`, async () => {
  const action = { type: 'network-partition', parameters: { peers: '192.0.2.1' } };
  await shop.apply('lasting', { target: { names: ['web'] }, action, duration: '1h' });
  await shop.until('lasting', isEffective);
  const { health } = await podsOfBoth(shop);
  const [before, startedAt] = [await caller.ask(), performance.now()];
  const steps: string[] = [];
  for (let rotation = 0; rotation < ROTATIONS; rotation += 1) {
    await inSystem('annotate', 'secret', 'chaosplane-ca', '--overwrite', 'chaosplane.io/rotate=');
    for (const step of STEPS) {
      steps.push(await takeStep(`rotate-${rotation}-${step}`));
      const said = await caller.peek();
      say(
        `${steps.at(-1)}: ${said.kept + said.new} calls, ${said.failures.length} failed, p99 ${percentile(said.times, 99).toFixed(1)} ms`,
      );
      expect(said.failures).toEqual([]);
    }
  }
  // The last step, too, comes to both sides.
  const after = await eventually(
    'the caller has heard of each step',
    async () => {
      const said = await caller.peek();
      expect(said.failures).toEqual([]);
      return said.generation - before.generation >= ROTATIONS * STEPS.length ? said : undefined;
    },
    { withinMs: 2 * SETTLE_S * 1000, everyMs: 1000 },
  );
  const seconds = (performance.now() - startedAt) / 1000;
  expect(steps).toEqual(Array.from({ length: ROTATIONS }, () => STEPS).flat());
  expect((after.kept + after.new - before.kept - before.new) / seconds).toBeGreaterThan(90);
  expect(after.connections - before.connections).toBeGreaterThanOrEqual(ROTATIONS);
  expect((await podsOfBoth(shop)).health).toEqual(health);
  const running = await shop.get('lasting');
  expect(running && isOver(running)).toBe(false);
  expect(running?.status).toMatchObject({ counts: { injected: 1 } });
  // The operator commands with what the last step left.
  await shop.remove('lasting');
  await shop.apply('late', { target: { names: ['web'] }, action, duration: '1s' });
  await shop.until('late', isOver);
  await shop.remove('late');
});
