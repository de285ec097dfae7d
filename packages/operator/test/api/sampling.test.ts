/** Probes that are sampled while an experiment runs, and abort conditions, with a real API server and an application of this process. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import type { ExperimentObject } from '@chaosplane/api';
import { eventually } from '@chaosplane/testkit/eventually';
import { openApiServerFixture, type ApiServerFixture, type Stage } from './stage.ts';

jest.setTimeout(120_000);

let fixture: ApiServerFixture;
let stage: Stage;
let server: Server;
let url: string;
/** What the application answers, and to how many requests it has. */
let [code, answered] = [200, 0];

beforeAll(async () => {
  fixture = await openApiServerFixture();
}, 600_000);
afterAll(async () => {
  await fixture.close();
}, 60_000);
beforeEach(async () => {
  [code, answered] = [200, 0];
  server = createServer((_request, response) => {
    answered += 1;
    response.writeHead(code).end();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  stage = await fixture.stage({ nodes: 2 });
  for (const [index, node] of stage.nodes.entries()) await stage.addPod(`web-${index}`, node);
}, 60_000);
afterEach(async () => {
  await stage.close();
  server.closeAllConnections();
  server.close();
}, 60_000);

const specWith = (changes: object, duration = '60s'): object => ({
  target: { labelSelector: { matchLabels: { app: 'web' } }, mode: 'all' },
  action: { type: 'network-delay', parameters: { latency: '100ms' } },
  duration,
  ...changes,
});

const probe = (fields: object = {}): object => ({ name: 'shop', type: 'http', url, interval: '100ms', ...fields });
const ended = ({ status }: ExperimentObject): boolean => status?.endedAt !== undefined;
const isRunning = ({ status }: ExperimentObject): boolean => status?.effectiveAt !== undefined;

/** The samples in the status, once they are like that. */
async function samplesOf(name: string, like: (inForce: { passed: number; failed: number }) => boolean) {
  const { status } = await stage.until(name, (object) => {
    const [samples] = object.status?.samples ?? [];
    return samples !== undefined && like(samples.inForce);
  });
  return status!.samples![0]!;
}

test('samples are in the status while the faults are in force, and what failed only then is told', async () => {
  stage.startOperator();
  await stage.apply('sampled', specWith({ steadyState: { during: [probe()] } }, '8s'));
  await stage.until('sampled', isRunning);
  code = 503;
  const seen = await samplesOf('sampled', ({ failed }) => failed > 0);
  expect(seen).toMatchObject({ name: 'shop', failure: expect.stringContaining('503') });
  await stage.until('sampled', ({ status }) => status?.phase === 'Recovering');
  // It is waited for until it is back.
  code = 200;
  const { status } = await stage.until('sampled', ended);
  const [samples] = status?.samples ?? [];
  expect(samples).toMatchObject({ last: { outcome: 'pass' }, before: { failed: 0 } });
  expect(samples?.inForce.failed).toBeGreaterThan(0);
  expect(samples?.timeToDetectMs).toBeGreaterThan(0);
  expect(samples?.timeToRecoverMs).toBeGreaterThan(0);
  expect(samples?.longestOutageMs).toBeGreaterThanOrEqual(samples!.timeToRecoverMs!);
  expect(samples?.successRate).toMatch(/^\d+(\.\d)?%$/);
  // Of the effect nothing is known here, so nothing is said of the hypothesis.
  expect(status).toMatchObject({ phase: 'Completed', verdict: 'Inconclusive' });
});

test('an operator that takes over goes on with the samples of the one before', async () => {
  const first = stage.startOperator();
  await stage.apply('sampled', specWith({ steadyState: { during: [probe()] } }));
  const known = await samplesOf('sampled', ({ passed }) => passed >= 10);
  await first.stop();
  code = 500;
  stage.startOperator();
  const samples = await samplesOf('sampled', ({ failed }) => failed >= 5);
  expect(samples.before).toEqual(known.before);
  expect(samples.inForce.passed).toBeGreaterThanOrEqual(known.inForce.passed);
  expect(samples.seriesFrom).toBe(known.seriesFrom);
});

test('nothing is injected before a condition has passed; when it fails, everything is recovered, before the next visit is due', async () => {
  const clean = stage.print();
  stage.startOperator();
  code = 500;
  await stage.apply('never', specWith({ abortConditions: [probe()] }));
  const never = await stage.until('never', ended);
  expect(never.status).toMatchObject({
    phase: 'Aborted',
    verdict: 'Inconclusive',
    counts: { injected: 0, recovered: 0 },
  });
  expect(never.status?.message).toMatch(/^an abort condition failed: shop: .*500/);
  expect(never.status?.targets?.every(({ executionId }) => executionId === undefined)).toBe(true);
  code = 200;
  await stage.apply('guarded', specWith({ abortConditions: [probe({ failures: 2 })] }));
  await stage.until('guarded', isRunning);
  expect(stage.print()).not.toBe(clean);
  const before = answered;
  code = 500;
  await eventually('every node is as before', () => stage.print() === clean);
  const { status } = await stage.until('guarded', ended);
  expect(status).toMatchObject({ phase: 'Aborted', counts: { recovered: 2 } });
  expect(status?.message).toMatch(/^an abort condition failed, 2 times in a row: shop: .*500/);
  // Two samples failed; the condition is asked no more, and neither is it later.
  const after = answered;
  expect(after - before).toBeLessThanOrEqual(4);
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(answered).toBe(after);
});

test('a condition that cannot be asked ends the experiment, unless it says that this is to be ignored', async () => {
  stage.startOperator();
  const counting = (fields: object): object =>
    specWith({
      abortConditions: [
        { type: 'k8s', kind: 'Pod', names: ['web-0'], ready: { count: 1 }, interval: '200ms' },
        { type: 'prometheus', url, query: 'up', expect: { operator: '==', value: 1 }, interval: '200ms', ...fields },
      ],
    });
  await stage.apply('strict', counting({}));
  const { status } = await stage.until('strict', ended);
  expect(status?.message).toMatch(/^an abort condition could not be asked: /);
  await stage.apply('lenient', counting({ onError: 'Ignore' }));
  await stage.until('lenient', isRunning);
});
