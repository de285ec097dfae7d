/** Certificates and their authority are replaced, three times over, while a hundred calls a second go on: none of them fails. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '@chaosplane/testkit/eventually';
import { authoritySecret, ROTATE_ANNOTATION } from '../../src/certificates/authorities.ts';
import { createAuthority } from '../../src/certificates/issue.ts';
import type { Said } from '../rotation-caller.ts';
import { NAMES, openRotationStage, type RotationStage, type Side } from './rotation-stage.ts';

const AUTHORITY = 'chaosplane-ca';
const ROTATIONS = 3;

const stack = new AsyncDisposableStack();
let stage: RotationStage;

beforeAll(async () => {
  stage = await openRotationStage(stack);
  await calls(100);
}, 120_000);
afterAll(() => stack.disposeAsync(), 60_000);

/** Resolves when so many more calls have succeeded, some of them on new connections. */
async function calls(many: number): Promise<void> {
  const before = await stage.ask();
  expect(before.failures).toEqual([]);
  await eventually(
    `${many} more calls`,
    async () => {
      const said = await stage.ask();
      expect(said.failures).toEqual([]);
      return said.kept >= before.kept + many && said.new >= before.new + many / 20;
    },
    { everyMs: 200 },
  );
}

/** As `kubectl annotate secret chaosplane-ca chaosplane.io/rotate=` does. */
function askForRotation(): void {
  const there = stage.secrets.objects.get(AUTHORITY)!;
  const annotations = { ...there.metadata.annotations, [ROTATE_ANNOTATION]: '' };
  stage.secrets.objects.set(AUTHORITY, { ...there, metadata: { ...there.metadata, annotations } });
}

test(`${ROTATIONS} rotations, each side ahead of the other in turn, and no call fails`, async () => {
  const before = await stage.ask();
  const startedAt = performance.now();
  const steps: string[] = [];
  for (let rotation = 0; rotation < ROTATIONS; rotation += 1) {
    askForRotation();
    for (let step = 0; step < 3; step += 1) {
      const { [AUTHORITY]: became = '' } = await stage.ensure();
      steps.push(became);
      const ahead: Side = (rotation + step) % 2 === 0 ? 'operator' : 'daemon';
      await stage.bring(ahead);
      // One side alone knows of the step.
      await calls(100);
      await stage.bring(ahead === 'daemon' ? 'operator' : 'daemon');
      await calls(100);
    }
  }
  const after = await stage.ask();
  const seconds = (performance.now() - startedAt) / 1000;
  expect(steps).toEqual(Array.from({ length: ROTATIONS }, () => ['announced', 'signing', 'retired']).flat());
  // It is the load that was asked for, as far as this machine had the time to answer it.
  expect((after.kept + after.new - before.kept - before.new) / seconds).toBeGreaterThan(90);
  // The connection that an operator keeps was made again with each certificate, too.
  expect(after.connections - before.connections).toBeGreaterThanOrEqual(ROTATIONS);
  expect(stage.daemon.alive).toBe(true);
}, 600_000);

test('an authority that is replaced at once, without the steps, keeps new connections out until both sides know it', async () => {
  const current = await createAuthority({ now: Date.now() });
  stage.secrets.objects.set(AUTHORITY, authoritySecret(NAMES.namespace, { current, rotationAsked: false }));
  await stage.ensure();
  expect((await stage.ask()).failures).toEqual([]);
  await stage.bring('daemon');
  const refused = await eventually('new connections are refused', async (): Promise<Said | undefined> => {
    const said = await stage.ask();
    return said.failures.length === 0 ? undefined : said;
  });
  expect(refused.failures.every((failure) => failure.startsWith('new: '))).toBe(true);
  await stage.bring('operator');
  await stage.ask();
  await eventually('no call fails any more', async () => {
    const said = await stage.ask();
    await calls(100).catch(() => undefined);
    return said.failures.length === 0;
  });
}, 180_000);
