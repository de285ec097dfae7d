/** What the answers of Prometheus and VictoriaMetrics mean, as both were recorded: a value that compares, or an error, never a pass by chance. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ProbeOutcome } from '@chaosplane/lifecycle';
import { ask } from '../test/ask.ts';
import { parseValue } from './prometheus-answer.ts';

/** What the server answers next, and what it was asked. */
let answer: { status: number; body: string; contentType?: string };
let asked: { method?: string | undefined; url?: string | undefined; type?: string | undefined; form: URLSearchParams };
let server: Server;
let url: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method, url: path, headers } = request;
      const form = new URLSearchParams(Buffer.concat(chunks).toString());
      asked = { method, url: path, type: headers['content-type'], form };
      response.writeHead(answer.status, { 'content-type': answer.contentType ?? 'application/json' });
      response.end(answer.body);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());

const T = 1_760_000_000.123;
const success = (resultType: string, result: unknown, more: object = {}): string =>
  JSON.stringify({ status: 'success', data: { resultType, result }, ...more });
const vector = (...values: string[]): string =>
  success(
    'vector',
    values.map((value, index) => ({ metric: { __name__: 'g', i: String(index) }, value: [T, value] })),
  );
const failure = (errorType: string, error: string): string => JSON.stringify({ status: 'error', errorType, error });

async function probe(body: string, fields: object = {}, status = 200, contentType?: string): Promise<ProbeOutcome> {
  answer = { status, body, ...(contentType !== undefined && { contentType }) };
  return ask({ type: 'prometheus', url, query: 'g', expect: { operator: '<=', value: 1 }, ...fields });
}
const expecting = (operator: string, value: number): object => ({ expect: { operator, value } });

test('the query goes as a form, with the limits of the server and what VictoriaMetrics needs to tell the present', async () => {
  await probe(vector('1'), { query: 'sum(rate(a{b="c&d"}[1m]))', url: `${url}/prefix/`, timeout: '2s' });
  expect(asked).toMatchObject({
    method: 'POST',
    url: '/prefix/api/v1/query',
    type: 'application/x-www-form-urlencoded',
  });
  expect(Object.fromEntries(asked.form)).toEqual({
    query: 'sum(rate(a{b="c&d"}[1m]))',
    timeout: '2000ms',
    latency_offset: '1ms',
    nocache: '1',
  });
});

describe('values', () => {
  test.each<[string, string, object, string]>([
    ['as expected', vector('0.5'), {}, 'pass: g {i="0"} is 0.5, as <= 1'],
    ['not as expected', vector('1.5'), {}, 'fail: g {i="0"} is 1.5, not <= 1'],
    ['a scalar', success('scalar', [T, '1']), {}, 'pass: g is 1, as <= 1'],
    ['+Inf is above all', vector('+Inf'), {}, 'fail: g {i="0"} is +Inf, not <= 1'],
    ['+Inf where much is wanted', vector('+Inf'), expecting('>', 1), 'pass: g {i="0"} is +Inf, as > 1'],
    ['-Inf is below all', vector('-Inf'), {}, 'pass: g {i="0"} is -Inf, as <= 1'],
    ['as float64', vector('9007199254740992'), expecting('==', 2 ** 53), 'pass: g {i="0"} is 9007199254740992, as =='],
    ['with an exponent', vector('1e-05'), {}, 'pass: g {i="0"} is 0.00001'],
    ['unlike', vector('0'), expecting('!=', 0), 'fail: g {i="0"} is 0, not != 0'],
    ['at least', vector('3'), expecting('>=', 3), 'pass: '],
    ['less', vector('3'), expecting('<', 3), 'fail: '],
    [
      'infos are told',
      success('vector', [{ metric: {}, value: [T, '0.5'] }], {
        infos: ['PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "g"'],
      }),
      {},
      'pass: g is 0.5, as <= 1 (it remarks: PromQL info: metric might not be a counter',
    ],
    [
      'what VictoriaMetrics adds',
      success('vector', [{ metric: {}, value: [T, '1'] }], { stats: {} }),
      {},
      'pass: g is 1',
    ],
  ])('%s', async (_what, body, fields, said) => {
    const { outcome, message } = await probe(body, fields);
    expect(`${outcome}: ${message}`).toContain(said);
  });
});

describe('several series', () => {
  test.each<[string, string[], string]>([
    ['one', ['0', '0'], 'error: g has 2 series, not one: aggregate them'],
    ['all', ['0', '1'], 'pass: g {i="0"} is 0, as <= 1, of 2 series'],
    ['all', ['0', '2'], 'fail: g {i="1"} is 2, not <= 1, of 2 series'],
    ['all', ['0', 'NaN'], 'error: g {i="1"} is NaN'],
    ['all', ['2', 'NaN'], 'fail: g {i="0"} is 2'],
    ['any', ['2', '1'], 'pass: g {i="1"} is 1'],
    ['any', ['2', '3'], 'fail: g {i="0"} is 2'],
    ['any', ['1', 'NaN'], 'pass: g {i="0"} is 1'],
    ['any', ['2', 'NaN'], 'error: g {i="1"} is NaN'],
  ])('%s of %j', async (series, values, said) => {
    const { outcome, message } = await probe(vector(...values), { series });
    expect(`${outcome}: ${message}`).toContain(said);
  });
});

describe('what has no value to compare is an error, regardless of what is expected', () => {
  const buckets = { count: '17', sum: '1.2', buckets: [[3, '-Inf', '0.1', '17']] };
  test.each<[string, string, number, string]>([
    ['NaN', vector('NaN'), 200, 'is NaN, which compares to nothing'],
    ['a scalar NaN', success('scalar', [T, 'NaN']), 200, 'is NaN'],
    [
      'nothing matches',
      success('vector', []),
      200,
      'no series: there is no such data, or a comparison in the query is false',
    ],
    [
      'a native histogram',
      success('vector', [{ metric: { __name__: 'h' }, histogram: [T, buckets] }]),
      200,
      'with a histogram, which has no value',
    ],
    ['a text', success('string', [T, 'text']), 200, 'with a text'],
    ['a range', success('matrix', [{ metric: {}, values: [[T, '0']] }]), 200, 'with a range of values'],
    [
      'a cut answer',
      success('vector', [{ metric: {}, value: [T, '0'] }], { warnings: ['results truncated due to limit'] }),
      200,
      'with a warning: results truncated due to limit',
    ],
    [
      'a quantile of what is no histogram',
      success('vector', [{ metric: {}, value: [T, '+Inf'] }], {
        warnings: ['PromQL warning: quantile value should be between 0 and 1, got 2'],
      }),
      200,
      'with a warning: PromQL warning: quantile value',
    ],
    [
      'histogram and float',
      success('vector', [], { infos: ['PromQL info: incompatible sample types encountered'] }),
      200,
      'no series: there is no such data, or a comparison in the query is false (it remarks: PromQL info: incompatible',
    ],
    [
      'a parse error',
      failure('bad_data', 'invalid parameter "query": 1:5: parse error: unexpected end of input'),
      400,
      'answered 400 (bad_data): invalid parameter "query": 1:5: parse error',
    ],
    [
      'an execution that fails',
      failure('execution', 'query processing would load too many samples'),
      422,
      '422 (execution)',
    ],
    [
      "VictoriaMetrics's 422",
      failure('422', 'error when executing query="g": unparsed data'),
      422,
      'answered 422 (422)',
    ],
    [
      "the server's timeout",
      failure('timeout', 'query timed out in expression evaluation'),
      503,
      '503 (timeout): query timed',
    ],
    ['success under another status', vector('0'), 206, 'answered 206'],
    ['a number that is none', vector('0x1'), 200, 'with 0x1, which is no number'],
    ['JSON of another kind', '{"hello": 1}', 200, 'in place of JSON of the query API'],
    ['a vector of another kind', success('vector', [{ value: [T, 5] }]), 200, 'a vector that cannot be read'],
    ['a type that is to come', success('tensor', []), 200, 'of the type tensor, which is not known'],
  ])('%s', async (_what, body, status, said) => {
    for (const operator of ['<=', '>=', '!=']) {
      const { outcome, message } = await probe(body, expecting(operator, 0), status);
      expect(`${outcome}: ${message}`).toMatch(/^error: /);
      expect(message).toContain(said);
    }
  });

  test('a server that replays its write-ahead log', async () => {
    const { outcome, message } = await probe('Service Unavailable', {}, 503, 'text/plain; charset=utf-8');
    expect([outcome, message]).toEqual([
      'error',
      expect.stringContaining('while it starts and reads its write-ahead log'),
    ]);
  });

  test('a page in place of the API, and an answer without end', async () => {
    expect(await probe('<html>', {}, 200, 'text/html')).toMatchObject({
      outcome: 'error',
      message: expect.stringContaining('answered 200 with text/html in place of JSON'),
    });
    expect(await probe(vector(...Array.from({ length: 40_000 }, () => '0')), { series: 'all' })).toMatchObject({
      outcome: 'error',
      message: expect.stringContaining('its answer is longer than 1024 KiB'),
    });
  });

  test('no server, and where a probe may not go', async () => {
    const fields = { type: 'prometheus', query: 'g', ...expecting('>=', 0) };
    const refused = await ask({ ...fields, url: 'http://127.0.0.1:1' });
    expect(refused).toMatchObject({
      outcome: 'error',
      message: 'http://127.0.0.1:1/ could not be asked: the connection was refused (ECONNREFUSED 127.0.0.1:1)',
    });
    const guarded = await ask({ ...fields, url }, { allowLocal: false });
    expect(guarded).toMatchObject({ outcome: 'error', message: expect.stringContaining('loopback, link-local or') });
  });

  test('a server that is silent', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const { outcome, message } = await probe('', { url: `http://127.0.0.1:${port}`, timeout: '50ms' });
    silent.closeAllConnections();
    silent.close();
    expect([outcome, message]).toEqual(['error', expect.stringContaining('no answer within 50ms')]);
  });
});

test('numbers are read as Go writes them', () => {
  expect(['+Inf', '-Inf', '1e+06', '-0.5', '.5', '5.'].map(parseValue)).toEqual([
    Infinity,
    -Infinity,
    1e6,
    -0.5,
    0.5,
    5,
  ]);
  expect(parseValue('NaN')).toBeNaN();
  expect(['', ' 1', '0x10', '1_000', 'Infinity', '1e'].map(parseValue)).toEqual(Array(6).fill(undefined));
});
