/** Whatever is asked for: what is compiled loads in a real kernel, and nothing of it is left when it is gone. */
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { differences, fingerprint } from '@chaosplane/testbed';
import { createLab, type Lab } from '@chaosplane/testkit';
import fc from 'fast-check';
import { startLabDaemon, type LabDaemon, type NetworkAction } from './lab-daemon.ts';

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
const percent = fc.double({ min: 0.001, max: 100, noNaN: true }).map((value) => String(Number(value.toFixed(3))));
const chance = fc.record({ percent, correlation: fc.integer({ min: 0, max: 100 }).map(String) });
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

test('any faults together, of any kind', async () => {
  const before = await fingerprint(lab.target.path);
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 4 }), async (requests) => {
      const records = [];
      for (const [action, own, where, peers, spared] of requests) {
        records.push(await daemon.exec(action, { ...where, ...own }, { peers, probes: spared }));
      }
      for (const record of records) await daemon.cancel(record);
      expect((await daemon.engine.list({ includeEnded: false })).length).toBe(0);
    }),
    { numRuns: 25 },
  );
  expect(differences(before, await fingerprint(lab.target.path))).toEqual([]);
});
