/** Samples at a fixed rate, and abort conditions, of a server of this process. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { initialStatus, parseExperiment, type ExperimentSpec, type ExperimentStatus } from '@chaosplane/api';
import { systemClock } from '@chaosplane/common';
import { eventually } from '@chaosplane/testkit';
import { isSampled, startSampling, type Sampling } from './sampling.ts';

let server: Server;
let url: string;
let answer: (response: ServerResponse) => void;
let asked = 0;
let sampling: Sampling | undefined;

beforeEach(async () => {
  asked = 0;
  answer = (response) => response.end();
  server = createServer((_request, response) => {
    asked += 1;
    answer(response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterEach(async () => {
  sampling?.stop();
  sampling = undefined;
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function specOf(changes: object): ExperimentSpec {
  return parseExperiment(
    {
      apiVersion: 'chaos.chaosplane.io/v1alpha1',
      kind: 'ChaosExperiment',
      metadata: { name: 'x' },
      spec: { target: { names: ['a'] }, action: { type: 'network-partition' }, duration: '1s', ...changes },
    },
    'cluster',
  ).spec;
}

const prober = { clock: systemClock, signal: new AbortController().signal, allowLocal: true };
const fail = (response: ServerResponse): void => void response.writeHead(500).end();

function sample(probe: object, known?: ExperimentStatus['samples']): Sampling {
  const spec = specOf({ steadyState: { during: [{ type: 'http', url, interval: '100ms', ...probe }] } });
  sampling = startSampling(spec, prober, { known, onAbort: () => undefined });
  return sampling;
}

/** Begins to guard; resolves when a condition wants the end. */
function guard(condition: object): { readonly sampling: Sampling; readonly aborted: Promise<undefined> } {
  const { promise: aborted, resolve } = Promise.withResolvers<undefined>();
  const spec = specOf({ abortConditions: [{ type: 'http', url, interval: '100ms', ...condition }] });
  sampling = startSampling(spec, prober, { onAbort: () => resolve(undefined) });
  return { sampling, aborted };
}

describe('samples', () => {
  test('are taken again and again, told with the name of the probe, and go on where an earlier process stopped', async () => {
    const first = sample({ name: 'web' });
    await eventually('five samples', () => (first.collect(initialStatus)[0]?.before.passed ?? 0) >= 5);
    first.stop();
    const known = first.collect(initialStatus);
    answer = fail;
    const second = sample({ name: 'web' }, known);
    await eventually('a failure', () => (second.collect(initialStatus)[0]?.before.failed ?? 0) >= 2);
    expect(second.collect(initialStatus)[0]).toMatchObject({
      name: 'web',
      failure: expect.stringContaining('500'),
      last: { outcome: 'fail' },
    });
    expect(second.collect(initialStatus)[0]?.before.passed).toBe(known[0]?.before.passed);
  });

  test('begin at their rate while earlier ones get no answer, and are told in their order', async () => {
    const held: ServerResponse[] = [];
    answer = (response) => void held.push(response);
    const hanging = sample({ timeout: '5s' });
    await eventually('six requests that wait', () => held.length >= 6);
    expect(hanging.collect(initialStatus)[0]).not.toHaveProperty('last');
    // The later ones are answered first.
    answer = (response) => response.end();
    for (const response of held.slice(1)) response.end();
    await eventually('one more', () => asked > held.length);
    expect(hanging.collect(initialStatus)[0]?.before.passed).toBe(0);
    held[0]?.writeHead(500).end();
    await eventually('all of them', () => (hanging.collect(initialStatus)[0]?.before.passed ?? 0) >= 5);
    expect(hanging.collect(initialStatus)[0]?.before.failed).toBe(1);
  });

  test('end when they are stopped', async () => {
    const stopped = sample({});
    await eventually('two samples', () => asked >= 2);
    stopped.stop();
    await systemClock.sleep(50);
    const before = asked;
    await systemClock.sleep(350);
    expect(asked).toBe(before);
  });
});

describe('an abort condition', () => {
  test('wants no end while it passes', async () => {
    const { sampling: passing } = guard({});
    expect(passing.isGuarded).toBe(false);
    await eventually('three answers', () => asked >= 3);
    expect([passing.isGuarded, passing.abortOf(initialStatus)]).toEqual([true, undefined]);
  });

  test('wants the end at its first failure', async () => {
    answer = fail;
    const { sampling: failing, aborted } = guard({ name: 'errors' });
    await aborted;
    expect([failing.isGuarded, failing.abortOf(initialStatus), asked]).toEqual([
      ...[false, expect.stringMatching(/^an abort condition failed: errors: .*500/), 1],
    ]);
  });

  test('wants the end after failures in a row, and no earlier', async () => {
    // Two fail, one passes, and so on, until all fail.
    answer = (response) => (asked < 7 && asked % 3 === 0 ? response.end() : fail(response));
    const { sampling: failing, aborted } = guard({ failures: 3 });
    await aborted;
    expect(asked).toBe(9);
    expect(failing.abortOf(initialStatus)).toMatch(/^an abort condition failed, 3 times in a row: /);
  });

  test('that cannot be asked ends the experiment, or is ignored where it says so', async () => {
    const prometheus = { type: 'prometheus', query: 'up', expect: { operator: '==', value: 1 } };
    answer = (response) => response.end('{"status":"success","data":{"resultType":"vector","result":[]}}');
    const { sampling: impossible, aborted } = guard(prometheus);
    await aborted;
    expect(impossible.abortOf(initialStatus)).toMatch(/^an abort condition could not be asked: /);
    const { sampling: ignored } = guard({ ...prometheus, onError: 'Ignore' });
    const before = asked;
    await eventually('three more', () => asked >= before + 3);
    expect([ignored.isGuarded, ignored.abortOf(initialStatus)]).toEqual([true, undefined]);
  });
});

test('what may not be taken at this moment is an error, which an abort condition counts', async () => {
  const spec = specOf({
    steadyState: { during: [{ name: 'web', type: 'http', url, interval: '100ms' }] },
    abortConditions: [{ name: 'guard', type: 'http', url }],
  });
  let left = 3;
  const { promise: aborted, resolve } = Promise.withResolvers<undefined>();
  sampling = startSampling(spec, { ...prober, admits: () => left-- > 0 }, { onAbort: () => resolve(undefined) });
  await aborted;
  expect(asked).toBe(3);
  expect(sampling.abortOf(initialStatus)).toMatch(
    /^an abort condition could not be asked: guard: the operator takes no more samples/,
  );
  const [samples] = sampling.collect(initialStatus);
  expect(samples).toMatchObject({
    failure: expect.stringMatching(/^the operator takes no more/),
    last: { outcome: 'error' },
  });
});

test('an experiment without samples and abort conditions has nothing to ask', () => {
  expect(isSampled(specOf({}))).toBe(false);
  expect(isSampled(specOf({ abortConditions: [{ type: 'http', url }] }))).toBe(true);
});
