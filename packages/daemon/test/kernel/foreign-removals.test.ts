/** What others take away of ChaosPlane, before, in and after faults: nothing fails for it, and what is needed is built again. */
import { differences, fingerprint } from '@chaosplane/testbed';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { everyRemoval, ForeignLab, type Kind, type KindName, type Removal } from './foreign-lab.ts';
import { agentIn, ask } from './http-lab.ts';
import { emulated, kernelCapabilities, shapersOfKernel } from '@chaosplane/testkit/lab-daemon';
import type { BackendChoice } from '../../src/netns/placement.ts';

jest.setTimeout(180_000);

let at: ForeignLab;

beforeEach(() => {
  at = new ForeignLab();
});

afterEach(() => at.close());

/** All that is taken away, at once. */
const last: Removal = 'all of it';

/** By itself, everything is taken away with CHAOSPLANE_TEST_LONG=true (`npm test -- kernel`); an emulated machine takes a minute for what takes seconds elsewhere. */
const apart: readonly Removal[] = emulated
  ? []
  : process.env['CHAOSPLANE_TEST_LONG'] === 'true'
    ? everyRemoval()
    : ['nft flush ruleset', 'nft flush chain', 'ip link set down, up'];

async function expectRobust(name: KindName, engine: BackendChoice = 'auto'): Promise<void> {
  await at.start(engine);
  const kind = at.kinds[name];
  // The link has to be up, and what the programs of others load by themselves be there.
  at.remove(last);
  expect((await at.sent()).received).toBe(5);
  const before = await fingerprint(at.lab.target.path);
  for (const removal of apart) await told(removal, () => expectBeginAndEnd(kind, removal));
  await told(last, () => expectInForce(kind, last));
  expect(differences(before, await fingerprint(at.lab.target.path))).toEqual([]);
}

async function told(removal: Removal, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw new Error(`with ${removal}: ${String(error)}`, { cause: error });
  }
}

/** Before, in and after: what begins next builds what is needed, and what ends ends. */
async function expectBeginAndEnd(kind: Kind, removal: Removal): Promise<void> {
  at.remove(removal);
  const first = await kind.begin(0);
  at.remove(removal);
  const second = await kind.begin(1);
  await kind.acts();
  at.remove(removal);
  await at.cancel(first);
  await at.cancel(second);
  at.remove(removal);
}

/** At every moment: also a renewal builds what is needed. */
async function expectInForce(kind: Kind, removal: Removal): Promise<void> {
  const first = await kind.begin(0);
  at.remove(removal);
  const second = await kind.begin(1);
  await kind.acts();
  at.remove(removal);
  await at.renew(first, second);
  await kind.acts();
  at.remove(removal);
  expect((await at.daemon.observe(second)).evidence).toBeDefined();
  await at.cancel(first);
  await kind.acts();
  at.remove(removal);
  await at.cancel(second);
  at.remove(removal);
}

const capability = await kernelCapabilities();
/** An emulated machine is there for netem. */
const here = emulated ? test.skip : test;

for (const { engine, skipped } of await shapersOfKernel()) {
  describe(`what others take away${skipped === undefined ? '' : ` (${skipped})`}`, () => {
    (skipped === undefined ? test : test.skip)(`is no concern of a delay by ${engine}`, () =>
      expectRobust('delay', engine),
    );
    (skipped === undefined ? here : test.skip)(`is no concern of a corruption by ${engine}`, () =>
      expectRobust('corrupt', engine),
    );
  });
}

describe('what others take away', () => {
  here.each(['loss', 'partition', 'duplicate', 'HTTP', 'DNS'] as const)('is no concern of a fault of kind %s', (name) =>
    expectRobust(name),
  );
  const limits = capability('sch-tbf').available && capability('ifb').available;
  (limits ? here : test.skip)('is no concern of a bandwidth', () => expectRobust('bandwidth'));
  here.each(['nft flush ruleset', 'ip rule del, ip route flush', last] as const)(
    'is no concern of HTTP faults while a proxy lingers: %s',
    async (removal) => {
      await at.start();
      const agent = agentIn(at.lab.peer(0), at.pod);
      const first = await at.kinds.HTTP.begin(1);
      await ask(at.lab.peer(0), at.pod, { agent });
      at.remove(removal);
      await at.cancel(first);
      at.remove(removal);
      const second = await at.kinds.HTTP.begin(1);
      await at.kinds.HTTP.acts();
      await at.cancel(second);
      agent.destroy();
    },
  );
});
