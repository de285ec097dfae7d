/** Of every request: what is compiled loads in a real kernel, and nothing of it is left when it is gone. */
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { ChaosError } from '@chaosplane/common';
import { differences, fingerprint } from '@chaosplane/testbed';
import { createLab, type Lab } from '@chaosplane/testkit';
import fc from 'fast-check';
import { startLabDaemon, type LabDaemon, type NetworkAction } from '@chaosplane/testkit/lab-daemon';

// Emulated machines are twenty times slower.
jest.setTimeout(180_000);

let lab: Lab;
let daemon: LabDaemon;

beforeEach(async () => {
  lab = createLab({ peers: 0 });
  daemon = await startLabDaemon(lab);
});

afterEach(async () => {
  await daemon.close();
  lab.close();
});

const address = fc.oneof(fc.ipV4(), fc.ipV6()).map((text) => text.toLowerCase());
const cidr = fc.oneof(
  address,
  fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map(([base, prefix]) => `${base}/${prefix}`),
  fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 })).map(([base, prefix]) => `${base.toLowerCase()}/${prefix}`),
);
const port = fc.integer({ min: 1, max: 65_535 });
const range = fc.tuple(port, port).map(([a, b]) => (a === b ? `${a}` : `${Math.min(a, b)}-${Math.max(a, b)}`));
const list = (of: fc.Arbitrary<string>) => fc.array(of, { minLength: 1, maxLength: 5 }).map((all) => all.join(','));
const scope = fc.record(
  {
    direction: fc.constantFrom('egress', 'ingress', 'both'),
    peers: list(cidr),
    ports: list(fc.oneof(port.map(String), range)),
    protocol: fc.constantFrom('tcp', 'udp'),
  },
  { requiredKeys: [] },
);
/** Shares of a hundred, with three digits. */
const percent = (min: number, max: number) =>
  fc.double({ min, max, noNaN: true }).map((value) => String(Number(value.toFixed(3))));
const chance = fc.oneof(
  fc.record({ percent: percent(0.001, 100), correlation: fc.constant('0') }),
  // Packets in bursts are drawn 4096 at a time.
  fc.record({ percent: percent(0.025, 99.975), correlation: fc.integer({ min: 1, max: 100 }).map(String) }),
);
const ms = (most: number) => fc.integer({ min: 1, max: most }).map((value) => `${value}ms`);
const parameters: Readonly<Record<NetworkAction, fc.Arbitrary<Record<string, string>>>> = {
  delay: fc.record({ latency: ms(30) }),
  loss: chance,
  corrupt: chance,
  duplicate: chance,
  partition: fc.constant({}),
  bandwidth: fc.record({
    rate: fc.integer({ min: 8, max: 10_000_000 }).map((kbit) => `${kbit}kbit`),
    burst: fc.integer({ min: 1600, max: 10_000_000 }).map(String),
    latency: ms(50),
  }),
};
const optionPeers = fc.array(
  fc.record({
    cidr,
    ports: fc.array(port, { maxLength: 3 }),
    protocol: fc.constantFrom('', 'tcp', 'udp'),
  }),
  { maxLength: 4 },
);
const probes = fc.record({
  nodeAddresses: fc.array(address, { maxLength: 3 }),
  ports: fc.array(port, { maxLength: 3 }),
});
const request = fc
  .constantFrom(...(Object.keys(parameters) as NetworkAction[]))
  .chain((action) => fc.tuple(fc.constant(action), parameters[action], scope, optionPeers, probes));

/** What is not valid, an address that no packet has for one, never comes to the kernel. */
function unlessRefused(error: unknown): undefined {
  if (error instanceof ChaosError && error.code === 'INVALID_ARGUMENT') return undefined;
  throw error;
}

test('any faults together, of any kind', async () => {
  let taken = 0;
  const before = await fingerprint(lab.target.path);
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 4 }), async (requests) => {
      const records = [];
      try {
        for (const [action, own, where, peers, spared] of requests) {
          const asked = daemon.exec(action, { ...where, ...own }, { peers, probes: spared });
          const record = await asked.catch(unlessRefused);
          if (record !== undefined) records.push(record);
        }
        taken += records.length;
      } finally {
        for (const record of records) await daemon.cancel(record);
      }
      expect((await daemon.engine.list({ includeEnded: false })).length).toBe(0);
    }),
    { numRuns: 25 },
  );
  expect(taken).toBeGreaterThan(10);
  expect(differences(before, await fingerprint(lab.target.path))).toEqual([]);
});
