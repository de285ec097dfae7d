/** Probes of a real Prometheus that scrapes an application of this test; all of it on this machine's loopback. */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseExperiment } from '@chaosplane/api';
import { systemClock } from '@chaosplane/common';
import type { ProbeOutcome } from '@chaosplane/lifecycle';
import { runProbes } from '@chaosplane/probes';
import { eventually } from '@chaosplane/testkit/eventually';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { execa } from 'execa';

jest.setTimeout(180_000);

const PROGRAMS = process.env['CHAOSPLANE_TEST_PROMETHEUS'] ?? '';

/** So many that a query of all of them is refused, and that the log of some seconds takes a moment to be read. */
const FILLERS = 30_000;
const MOST_SAMPLES = 20_000;

const page = [
  ...['g 0.5', 'g_nan NaN', 'g_inf +Inf', 'g_ninf -Inf', 'big 9007199254740993'],
  ...['many{i="0"} 0', 'many{i="1"} 2', 'many{i="2"} NaN'],
  ...['# TYPE h histogram', 'h_bucket{le="0.1"} 17', 'h_bucket{le="+Inf"} 17', 'h_sum 1.2', 'h_count 17'],
  ...Array.from({ length: FILLERS }, (_, index) => `filler{i="${index}"} ${index}`),
  '',
].join('\n');

let folder: string;
let app: Server;
let url: string;
let started: ReturnType<typeof startPrometheus>;

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function startPrometheus(port: number) {
  const flags = [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    `--query.max-samples=${MOST_SAMPLES}`,
  ];
  return execa(join(PROGRAMS, 'prometheus'), flags, { reject: false, all: true, buffer: { all: true } });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chaosplane-prometheus-'));
  app = createServer((_request, response) => {
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end(page);
  });
  const target = `127.0.0.1:${await listen(app)}`;
  // A port that is free; nothing else of this test takes one until Prometheus has it.
  const spare = createServer();
  const port = await listen(spare);
  spare.close();
  await once(spare, 'close');
  const job = {
    job_name: 'app',
    static_configs: [{ targets: [target] }],
    scrape_native_histograms: true,
    convert_classic_histograms_to_nhcb: true,
  };
  const config = { global: { scrape_interval: '1s', scrape_timeout: '1s' }, scrape_configs: [job] };
  await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config));
  url = `http://127.0.0.1:${port}`;
  started = startPrometheus(port);
}, 60_000);
afterAll(async () => {
  started.kill('SIGTERM');
  await started;
  app.closeAllConnections();
  app.close();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

async function ask(query: string, fields: object = {}): Promise<string> {
  const expected = { expect: { operator: '<=', value: 1 } };
  const { outcome, message } = await probe({ type: 'prometheus', url, query, ...expected, ...fields });
  return `${outcome}: ${message}`;
}

function probe(fields: object): Promise<ProbeOutcome> {
  const document = {
    apiVersion: 'chaos.chaosplane.io/v1alpha1',
    kind: 'ChaosExperiment',
    metadata: { name: 'x' },
    spec: {
      target: { names: ['a'] },
      action: { type: 'network-partition' },
      duration: '1s',
      steadyState: { before: [fields] },
    },
  };
  const { spec } = parseExperiment(document, 'cluster');
  const { signal } = new AbortController();
  return runProbes(spec.steadyState.before, { clock: systemClock, signal, allowLocal: true });
}

const expecting = (operator: string, value: number): object => ({ expect: { operator, value } });

test('a value passes as soon as it was scraped; before, there is an error, and never a pass or a fail', async () => {
  const seen = new Set<string>();
  const passed = await eventually(
    'the first value',
    async () => {
      const said = await ask('g');
      seen.add(said.split(':')[0] ?? '');
      return said.startsWith('pass') ? said : undefined;
    },
    { withinMs: 120_000 },
  );
  expect(passed).toMatch(/^pass: g \{instance="127\.0\.0\.1:\d+", job="app"\} is 0\.5, as <= 1$/);
  expect([...seen]).toEqual(['error', 'pass']);
});

test.each<[query: string, fields: object, said: string]>([
  ['g > 0.1', {}, 'pass: '],
  ['g * 4', {}, 'fail: g * 4 {instance='],
  ['1', {}, 'pass: 1 is 1, as <= 1'],
  ['g_inf', {}, 'is +Inf, not <= 1'],
  ['g_inf', expecting('>', 1), 'pass: '],
  ['g_ninf', {}, 'pass: '],
  ['big', expecting('==', 2 ** 53), 'pass: '],
  ['max(many)', expecting('>=', 2), 'pass: max(many) is 2, as >= 2'],
  ['many', {}, 'error: many has 3 series, not one'],
  ['many', { series: 'any' }, 'pass: '],
  ['many', { series: 'all' }, 'fail: '],
  ['many < bool 5', { series: 'all' }, 'pass: '],
  ['g == bool 2', expecting('==', 0), 'pass: '],
  ['rate(g[30s])', {}, 'it remarks: PromQL info: metric might not be a counter'],
])('%s %j: %s', async (query, fields, said) => {
  // A rate needs two scrapes.
  const answer = await eventually('an answer with a value', () => ask(query, fields), {
    is: (text) => !text.includes('with no series'),
  });
  expect(answer).toContain(said);
});

test.each<[query: string, said: string, fields?: object]>([
  ['nope', 'answered with no series'],
  ['sum(nope)', 'answered with no series'],
  ['g == 2', 'answered with no series'],
  ['g_nan > 1', 'answered with no series'],
  ['g_nan', 'is NaN, which compares to nothing'],
  ['sum(many)', 'is NaN, which compares to nothing'],
  ['0/0', 'is NaN, which compares to nothing'],
  ['scalar(nope)', 'is NaN, which compares to nothing'],
  ['"text"', 'answered with a text'],
  ['g[5s]', 'answered with a range of values'],
  ['h', 'answered with a histogram'],
  ['h + g', 'answered with no series'],
  ['histogram_quantile(2, h)', 'answered with a warning: PromQL warning: quantile value should be between 0 and 1'],
  ['g +', 'answered 400 (bad_data): invalid parameter "query": 1:4: parse error'],
  ['nofunction(g)', 'answered 400 (bad_data)'],
  ['1 > 2', 'answered 400 (bad_data)'],
  ['g * on(job) many', 'answered 422 (execution)'],
  ['sum(filler)', 'answered 422 (execution): query processing would load too many samples into memory'],
  ['sum(sum_over_time(many[10m:1ms]))', 'answered 503 (timeout): query timed out', { timeout: '1ms' }],
])('%s is an error: %s', async (query, said, fields = {}) => {
  for (const operator of ['<=', '>', '!=']) {
    const answer = await ask(query, { ...expecting(operator, 0), ...fields });
    expect(answer).toMatch(/^error: /);
    expect(answer).toContain(said);
  }
});

test('another path of the server is no answer', async () => {
  expect(await ask('g', { url: `${url}/elsewhere` })).toContain('error: ');
});

test('while it reads its write-ahead log, there is an error that says so', async () => {
  started.kill('SIGKILL');
  await started;
  started = startPrometheus(Number(new URL(url).port));
  const seen: string[] = [];
  await eventually(
    'a value again',
    async () => {
      const said = await ask('g');
      if (said !== seen.at(-1)) seen.push(said);
      return said.startsWith('pass');
    },
    { withinMs: 120_000, everyMs: 1 },
  );
  expect(seen.slice(0, -1).every((said) => said.startsWith('error: '))).toBe(true);
  expect(seen.join('\n')).toContain('Prometheus says so while it starts and reads its write-ahead log');
});

test('a target that is gone has no value, and what looks back still has the one of before', async () => {
  // A Prometheus that has started again marks only what it has scraped itself: what is older stays for five minutes.
  const now = systemClock.now() / 1000;
  await eventually('a scrape', async () => (await ask('timestamp(g)', expecting('>', now))).startsWith('pass'));
  app.closeAllConnections();
  app.close();
  await eventually('it is down', async () => (await ask('up', expecting('==', 0))).startsWith('pass'));
  expect(await ask('g')).toMatch(/^error: .* answered with no series/);
  expect(await ask('avg_over_time(g[1m])')).toContain('pass: ');
});

test('a server that is gone is an error with its address', async () => {
  started.kill('SIGKILL');
  await started;
  const { host } = new URL(url);
  expect(await ask('g')).toBe(`error: ${url}/ could not be asked: the connection was refused (ECONNREFUSED ${host})`);
});
