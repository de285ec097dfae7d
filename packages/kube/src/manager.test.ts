/** The manager: in order, out in reverse, each in its time. */
import { expect, test } from '@jest/globals';
import { createLogger } from '@chaosplane/common';
import { manualClock } from '@chaosplane/testkit/clocks';
import { createManager, STOP_BUDGET_MS, type Component } from './manager.ts';

const logger = createLogger({ level: 'silent' });

function program(...components: (Partial<Component> & { name: string })[]) {
  const clock = manualClock();
  const log: string[] = [];
  const manager = createManager({ logger, clock });
  for (const given of components) {
    manager.add({
      async start(signal) {
        signal.addEventListener('abort', () => log.push(`${given.name} told to end`), { once: true });
        log.push(`${given.name} started`);
      },
      async stop() {
        log.push(`${given.name} stopped`);
      },
      ...given,
    });
  }
  return { manager, clock, log };
}

test('parts start in order and stop in reverse, each told to end before it is stopped', async () => {
  const { manager, log } = program({ name: 'cache' }, { name: 'queue' });
  await manager.start(new AbortController().signal);
  expect(manager.health).toEqual([
    { name: 'cache', state: 'running' },
    { name: 'queue', state: 'running' },
  ]);
  await Promise.all([manager.stop(), manager.stop()]);
  expect(log).toEqual([
    'cache started',
    'queue started',
    'queue told to end',
    'queue stopped',
    'cache told to end',
    'cache stopped',
  ]);
  expect(manager.health.map(({ state }) => state)).toEqual(['stopped', 'stopped']);
});

test('a part that fails to start stops those before it and never starts those after it', async () => {
  const broken = { name: 'queue', start: () => Promise.reject(new Error('no port')) };
  const { manager, log } = program({ name: 'cache' }, broken, { name: 'server' });
  await expect(manager.start(new AbortController().signal)).rejects.toThrow('no port');
  expect(log).toEqual(['cache started', 'cache told to end', 'cache stopped']);
  expect(manager.health.map(({ state }) => state)).toEqual(['stopped', 'failed', 'waiting']);
});

test('an abort ends a start that would wait for ever', async () => {
  const stuck = { name: 'queue', start: () => new Promise<void>(() => undefined) };
  const { manager, log } = program({ name: 'cache' }, stuck);
  const controller = new AbortController();
  const starting = manager.start(controller.signal);
  const reason = new Error('enough');
  controller.abort(reason);
  await expect(starting).rejects.toBe(reason);
  expect(log).toEqual(['cache started', 'cache told to end', 'cache stopped']);
});

test('an abort after the start is a stop', async () => {
  const { manager, log } = program({ name: 'cache' });
  const controller = new AbortController();
  await manager.start(controller.signal);
  controller.abort();
  await manager.stop();
  expect(log).toContain('cache stopped');
});

test('a stop while it starts stops what runs and starts nothing more', async () => {
  let go = (): void => undefined;
  const slow = { name: 'cache', start: () => new Promise<void>((resolve) => (go = resolve)) };
  const { manager, log, clock } = program(slow, { name: 'queue' });
  const starting = manager.start(new AbortController().signal);
  const failed = expect(starting).rejects.toThrow('stopped');
  await clock.advance(0);
  await manager.stop();
  go();
  await failed;
  expect(log).toEqual(['cache stopped']);
});

test('a part that does not stop in its time, or throws, does not keep the others', async () => {
  const { manager, clock, log } = program(
    { name: 'cache' },
    { name: 'queue', stop: () => Promise.reject(new Error('broken')) },
    { name: 'server', stopTimeoutMs: 3000, stop: () => new Promise<void>(() => undefined) },
  );
  await manager.start(new AbortController().signal);
  const stopping = manager.stop();
  await clock.advance(2999);
  expect(log).not.toContain('cache stopped');
  await clock.advance(1);
  await stopping;
  expect(log.at(-1)).toBe('cache stopped');
  expect(manager.health.map(({ state }) => state)).toEqual(['stopped', 'failed', 'failed']);
  expect(clock.timers).toBe(0);
});

test('all parts together have one budget: those whose turn comes later are told to end, and may do so at once', async () => {
  const stuck = { stop: () => new Promise<void>(() => undefined) };
  const { manager, clock, log } = program(
    { name: 'cache' },
    ...Array.from({ length: 10 }, (_, index) => ({ name: `queue ${index}`, ...stuck })),
  );
  await manager.start(new AbortController().signal);
  let stopped = false;
  const stopping = manager.stop().then(() => (stopped = true));
  await clock.advance(STOP_BUDGET_MS - 1);
  expect(stopped).toBe(false);
  await clock.advance(1);
  await stopping;
  expect(log.filter((line) => line.endsWith('told to end'))).toHaveLength(11);
  expect(log.at(-1)).toBe('cache stopped');
  expect(manager.health[0]).toEqual({ name: 'cache', state: 'stopped' });
  expect(clock.timers).toBe(0);
});
