/** Valid parameters of every action that the daemon carries out, at random, for the laws that hold for all of them. */
import { parsePeers } from '@chaosplane/common';
import fc from 'fast-check';

type Parameters = fc.Arbitrary<Record<string, string>>;

/** Such as packets have: not every address's, nor the loopback's. */
const address = fc
  .oneof(fc.ipV4(), fc.ipV6())
  .map((text) => text.toLowerCase())
  .filter((text) => parsePeers(text).ok);
const portNumber = fc.integer({ min: 1, max: 65_535 });
const port = portNumber.map(String);
const listOf = (one: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.array(one, { minLength: 1, maxLength: 4 }).map((all) => all.join(','));

/** What the network actions share. `db.test` and `cache.test` are names that a resolver has to know. */
export const networkScopes: Parameters = fc.record(
  {
    peers: listOf(fc.oneof(address, fc.constantFrom('db.test', 'cache.test.'))),
    ports: listOf(port),
    protocol: fc.constantFrom('tcp', 'udp'),
    direction: fc.constantFrom('egress', 'ingress', 'both'),
  },
  { requiredKeys: [] },
);

/** Peers of the options, with ports of their own or without. */
export const optionPeers = fc.array(
  fc.record({
    cidr: address,
    ports: fc.array(portNumber, { maxLength: 3 }),
    protocol: fc.constantFrom('', 'tcp', 'udp'),
  }),
  { maxLength: 3 },
);

const milliseconds = (most: number): fc.Arbitrary<string> => fc.integer({ min: 1, max: most }).map((ms) => `${ms}ms`);
const percent = fc
  .oneof(fc.integer({ min: 1, max: 100 }), fc.double({ min: 0.001, max: 100, noNaN: true }))
  .map((value) => String(Number(value.toFixed(3))));
const flag = fc.constantFrom('true', 'false');
const chance: Parameters = fc
  .record({ percent, correlation: fc.integer({ min: 0, max: 100 }).map(String) }, { requiredKeys: ['percent'] })
  // Bursts are drawn in 4096 steps.
  .map(({ percent: value, ...more }) => ({
    percent: 'correlation' in more ? String(Math.min(99, Math.max(1, Number(value)))) : value,
    ...more,
  }));

const workers = fc.integer({ min: 1, max: 256 }).map(String);
const load = fc.integer({ min: 1, max: 100 }).map(String);
const amount = fc.integer({ min: 1, max: 512 }).map((megabytes) => `${megabytes}Mi`);
const memory: Parameters = fc.record(
  {
    workers,
    size: fc.oneof(
      amount,
      percent.map(($) => `${$}%`),
    ),
    oomScoreAdj: fc.integer({ min: -1000, max: 1000 }).map(String),
  },
  { requiredKeys: [] },
);

const token = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,15}$/);
const httpHeader = fc.tuple(token, fc.stringMatching(/^[!-:<-~]{0,20}$/)).map(([name, value]) => `${name}: ${value}`);
/** Which connections and what is chosen for each, for every effect. */
const httpConnections = {
  port,
  side: fc.constantFrom('server', 'client'),
  percent,
  existingConnections: fc.constantFrom('keep', 'reset'),
  spareProbes: flag,
};
const httpRequests = {
  ...httpConnections,
  level: fc.constant('request'),
  path: fc.stringMatching(/^[/*][!"$-~]{0,30}$/),
  method: listOf(fc.constantFrom('GET', 'POST', 'put', 'M-SEARCH')),
  headers: fc.array(httpHeader, { minLength: 1, maxLength: 4 }).map((lines) => lines.join('\n')),
};
type Varied = Readonly<Record<string, fc.Arbitrary<string>>>;
const withRequired = (varied: Varied, required: readonly string[]): Parameters =>
  fc.record<Record<string, string>>(varied, { requiredKeys: [...required] });
/** With parameters of their own, all of them required: those for requests, and those for whole connections. */
const http = (ofRequests: Varied, ofConnections = ofRequests): Parameters =>
  fc.oneof(
    withRequired({ ...httpRequests, ...ofRequests }, ['port', ...Object.keys(ofRequests)]),
    withRequired({ ...httpConnections, level: fc.constant('connection'), ...ofConnections }, [
      'port',
      'level',
      ...Object.keys(ofConnections),
    ]),
  );
const reset = { reset: fc.constant('true') };
const statusCode = { statusCode: fc.integer({ min: 200, max: 599 }).map(String) };

const domain = fc.stringMatching(/^(\*\.)?[a-z0-9_]([a-zA-Z0-9_-]{0,10}[a-z0-9_])?(\.[a-z]{1,8}){0,4}\.?$/);

/** By action: what is its own of its parameters. */
export const ownParameters: Readonly<Record<string, Parameters>> = {
  'network-delay': fc.oneof(
    fc.record({ latency: milliseconds(50) }),
    fc.record({ latency: fc.constant('50ms'), jitter: milliseconds(50) }),
  ),
  'network-loss': chance,
  'network-corrupt': chance,
  'network-duplicate': chance,
  'network-partition': fc.constant({}),
  'network-bandwidth': fc.integer({ min: 8, max: 1_000_000 }).chain((kbit) => {
    // A full packet has to pass in that time.
    const least = Math.ceil((1600 * 8) / kbit);
    return fc.record(
      {
        rate: fc.constant(`${kbit}kbit`),
        burst: fc.integer({ min: 2, max: 1000 }).map((size) => `${size}Ki`),
        latency: fc.integer({ min: least, max: least + 500 }).map((ms) => `${ms}ms`),
      },
      { requiredKeys: ['rate'] },
    );
  }),
  'pod-http-delay': http({ delay: fc.oneof(milliseconds(600_000), fc.constantFrom('1.5s', '10m')) }),
  'pod-http-abort': fc.oneof(http(statusCode, reset), http(reset)),
  'pod-dns-error': fc.record(
    {
      domains: listOf(fc.oneof(domain, fc.constant('*'))),
      errorType: fc.constantFrom('NXDOMAIN', 'SERVFAIL', 'REFUSED', 'timeout'),
      percent,
    },
    { requiredKeys: ['domains'] },
  ),
  'pod-cpu-stress': fc.record({ workers, load }, { requiredKeys: [] }),
  'pod-memory-stress': memory,
  'pod-io-stress': fc.record(
    { workers, path: fc.stringMatching(/^(\/[a-zA-Z0-9_-]{1,8}){1,4}\/?$/), size: amount },
    { requiredKeys: [] },
  ),
  'stress-cpu': fc.record({ workers, load }, { requiredKeys: [] }),
  'stress-memory': memory,
  'container-kill': fc.record(
    { signal: fc.constantFrom('KILL', 'TERM', 'SIGINT', 'QUIT', 'SIGHUP', 'USR1', 'SIGUSR2') },
    { requiredKeys: [] },
  ),
  'node-restart': fc.record(
    { gracePeriod: fc.oneof(fc.constantFrom('0s', '5m'), milliseconds(300_000)) },
    { requiredKeys: [] },
  ),
  'hello-world': fc.constantFrom('containerd://', 'cri-o://', '').map((runtime) => ({
    containerId: `${runtime}sandbox-1-app`,
  })),
};
