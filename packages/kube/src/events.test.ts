/** The recorder: never in the way, equal events as one, never a flood. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createLogger } from '@chaosplane/common';
import { eventually } from '@chaosplane/testkit/eventually';
import { manualClock, type ManualClock } from '@chaosplane/testkit/clocks';
import { startTestServer, type TestServer } from '../test/server.ts';
import { soon } from '../test/soon.ts';
import { createKubeClient } from './client.ts';
import { createEventRecorder, type EventRecorder } from './events.ts';
import type { KubeEvent } from './kinds.ts';
import type { KubeObject } from './object.ts';

const logger = createLogger({ level: 'silent' });
const path = '/apis/events.k8s.io/v1/namespaces/shop/events';
const web: KubeObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'shop', uid: 'uid-web', resourceVersion: '7' },
};
const started = { type: 'Normal', reason: 'Started', message: 'it began' } as const;

let server: TestServer;
let clock: ManualClock;
let recorder: EventRecorder;
beforeEach(async () => {
  server = await startTestServer();
  clock = manualClock();
  const client = createKubeClient(server.config, { clock });
  recorder = createEventRecorder({ client, clock, logger, component: 'example.io/controller', instance: 'pod-1' });
});
afterEach(async () => server[Symbol.asyncDispose]());

const stored = (where = path) => server.store.all(where) as unknown as readonly KubeEvent[];
const flush = () => recorder.flush(new AbortController().signal);

test('an event says what happened to which object, and who says so', async () => {
  recorder.record(web, { ...started, action: 'Starting' });
  await flush();
  expect(stored()).toHaveLength(1);
  expect(stored()[0]).toMatchObject({
    metadata: { name: 'web.0000000000000001', namespace: 'shop' },
    eventTime: '2026-01-01T00:00:00.000000Z',
    type: 'Normal',
    reason: 'Started',
    action: 'Starting',
    note: 'it began',
    reportingController: 'example.io/controller',
    reportingInstance: 'pod-1',
    regarding: { apiVersion: 'v1', kind: 'Pod', name: 'web', namespace: 'shop', uid: 'uid-web', resourceVersion: '7' },
  });
  expect(stored()[0]).not.toHaveProperty('series');
});

test('events about what has no namespace are in default', async () => {
  recorder.record({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' } }, started);
  await flush();
  const [event] = stored('/apis/events.k8s.io/v1/namespaces/default/events');
  expect(event).toMatchObject({ action: 'Started', regarding: { kind: 'Node', name: 'node-1' } });
  expect(event?.regarding).not.toHaveProperty('namespace');
});

test('equal events are one with a count, written at most every ten seconds', async () => {
  recorder.record(web, started);
  await flush();
  for (let i = 0; i < 9; i += 1) recorder.record(web, started);
  await clock.advance(9_999);
  expect(server.requests).toHaveLength(1);
  await clock.advance(1);
  await eventually('ten are counted', () => stored()[0]?.series?.count, { ...soon, is: (count) => count === 10 });
  expect(stored()).toHaveLength(1);
  expect(server.requests).toHaveLength(2);
  expect(stored()[0]?.series?.lastObservedTime).toBe('2026-01-01T00:00:00.000000Z');
});

test('after six quiet minutes the same event is a new one', async () => {
  recorder.record(web, started);
  await flush();
  await clock.advance(6 * 60_000);
  recorder.record(web, started);
  await flush();
  expect(stored()).toHaveLength(2);
});

test('one object gets 25 different events at once, others are not hurt, and later there is room again', async () => {
  const db = { ...web, metadata: { ...web.metadata, name: 'db', uid: 'uid-db' } };
  for (let i = 0; i < 100; i += 1) recorder.record(web, { ...started, message: `number ${i}` });
  recorder.record(db, started);
  await flush();
  expect(stored()).toHaveLength(26);
  await clock.advance(12_000);
  recorder.record(web, { ...started, message: 'late' });
  recorder.record(web, { ...started, message: 'too late' });
  await flush();
  expect(stored().map(({ note }) => note)).toContain('late');
  expect(stored()).toHaveLength(27);
});

test('a server that fails for a while gets the event later, and once', async () => {
  server.misbehave('write', { kind: 'status', status: 500 }, { kind: 'mute' });
  recorder.record(web, started);
  await server.arrived('write', 1);
  await flush();
  expect(stored()).toHaveLength(1);
  await clock.advance(10_000);
  await flush();
  expect(stored()).toHaveLength(1);
});

test('what the server refuses is given up, and the next one is not', async () => {
  server.misbehave('write', { kind: 'status', status: 403 });
  recorder.record(web, started);
  recorder.record(web, { ...started, reason: 'Ended' });
  await flush();
  expect(stored().map(({ reason }) => reason)).toEqual(['Ended']);
});

test('a series whose event has expired goes on in a new one', async () => {
  recorder.record(web, started);
  await flush();
  server.store.remove(path, stored()[0]!.metadata.name);
  recorder.record(web, started);
  await flush();
  expect(stored()[0]).toMatchObject({ series: { count: 2 } });
});

test('a long message is cut where a character ends', async () => {
  recorder.record(web, { ...started, message: 'ü'.repeat(1000) });
  recorder.record(web, { ...started, message: `x${'ü'.repeat(1000)}` });
  await flush();
  for (const { note = '' } of stored()) {
    expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1024);
    expect(note).toMatch(/^x?ü+…$/);
  }
});

test('a server that hangs blocks no caller: flush ends with its signal, stop after five seconds', async () => {
  server.misbehave('write', { kind: 'hang' });
  recorder.record(web, started);
  await server.arrived('write', 1);
  const reason = new Error('enough');
  const controller = new AbortController();
  const flushing = recorder.flush(controller.signal);
  controller.abort(reason);
  await expect(flushing).rejects.toBe(reason);
  const stopping = recorder.stop();
  await clock.advance(5_000);
  await stopping;
  recorder.record(web, { ...started, reason: 'Late' });
  expect(server.requests).toHaveLength(1);
});
