/** Waits for an operator that is away: what is told, and that each ends. The cluster is a stand-in, whose operator is the test. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { eventually } from '@chaosplane/testkit/eventually';
import { startApiServer, type ApiServer } from '../../test/api-server.ts';
import { command, type Command } from '../../test/command.ts';
import { experiment, IN_SHOP, isAsked, PATH } from '../../test/slow.ts';

jest.setTimeout(60_000);

const AWAY = 'is the operator installed and running? kubectl get pods -n chaosplane';
const ASKED =
  'not waiting any more: the abort of the experiment slow is asked for and goes on in the cluster; chaosplane describe slow -n shop tells how far it is';

let api: ApiServer;
beforeEach(async () => {
  api = await startApiServer();
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

const says = (running: { printed(): string }, words: string): Promise<unknown> =>
  eventually(`it says: ${words}`, () => Promise.resolve(running.printed().includes(words) || undefined));

describe('abort', () => {
  const abort = (...words: string[]): Command => command(api.kubeconfig, ['abort', 'slow', ...words]);
  beforeEach(() => api.set(PATH, experiment));

  test('tells what it waits for, and each change; a signal ends the wait alone', async () => {
    const running = abort();
    await says(running, `waiting: slow: the operator has not looked at it: ${AWAY}`);
    api.set(PATH, { status: { phase: 'Running' } });
    await says(running, `waiting: slow: the operator has not begun to end it (it is Running): ${AWAY}`);
    const targets = ['Injected', 'Recovered'].map((state) => ({ name: state, state }));
    api.set(PATH, { status: { phase: 'Recovering', targets } });
    await says(running, 'waiting: slow: Recovering: 1 not recovered yet\n');
    await says(running, `1 not recovered yet; nothing changes: ${AWAY}`);
    const message = '1 execution not recovered yet: the daemon of n1 does not answer';
    api.set(PATH, {
      status: { phase: 'Recovering', targets, conditions: [{ type: 'Stuck', status: 'True', message }] },
    });
    await says(running, `waiting: slow: Recovering: ${message}\n`);
    running.signal('SIGTERM');
    expect(await running.end).toEqual({ exitCode: 143, message: ASKED });
    await isAsked(api);
  });

  test('of two, those that have ended are told, and what is left when the time is up', async () => {
    api.set(`${IN_SHOP}/ended`, { ...experiment, metadata: {}, status: { phase: 'Completed' } });
    const running = abort('experiment/ended', '--timeout', '10s');
    expect(await running.end).toEqual({ exitCode: 3, message: '' });
    expect(running.printed()).toMatch(
      /experiment\/ended: Completed\nnot ended within --timeout; not waiting any more: .* slow /,
    );
    expect(running.printed()).not.toMatch(/abort of the experiment ended/);
  });

  test('ends with 0 when all have ended, and does not wait where that is not wanted', async () => {
    expect(await abort('--no-wait').end).toEqual({ exitCode: 0, message: '' });
    const running = abort();
    await isAsked(api);
    api.set(PATH, { status: { phase: 'Aborted' } });
    expect(await running.end).toEqual({ exitCode: 0, message: '' });
    expect(running.printed()).toMatch(/slow: Aborted\n$/);
  });

  test('of two, those that have ended are told before a signal leaves the other', async () => {
    api.set(`${IN_SHOP}/ended`, { ...experiment, metadata: {}, status: { phase: 'Completed' } });
    const running = abort('ended');
    await says(running, 'waiting: slow: ');
    running.signal('SIGINT');
    expect(await running.end).toEqual({ exitCode: 130, message: ASKED });
    expect(running.printed()).toContain('ended: Completed\n');
  });

  test('a duration that is none is refused before anything is asked', async () => {
    const { exitCode, message } = await abort('--timeout', 'soon').end;
    expect([exitCode, message]).toEqual([2, expect.stringContaining('--timeout: ')]);
    expect(api.get(PATH)?.metadata.annotations).toBeUndefined();
  });
});

test('doctor does not wait for daemons that have told nothing once a signal comes', async () => {
  api.set('/api/v1/nodes/n1', {});
  const running = command(api.kubeconfig, ['doctor', '--cluster'], { times: 1 });
  await says(running, 'waiting for what the daemons of n1 tell, for 10 s at most');
  running.signal('SIGINT');
  expect(await running.end).toEqual({ exitCode: 130, message: 'interrupted by SIGINT' });
  expect(running.printed()).not.toContain('no daemon has told');
});

describe('run, interrupted while the operator is away', () => {
  const run = (times = 20): Command =>
    command(api.kubeconfig, ['run', '-', '--cluster'], { input: JSON.stringify(experiment), times });

  test('tells what it waits for, and leaves at the second signal', async () => {
    const running = run();
    await api.watched();
    running.signal('SIGINT');
    await says(running, 'ending the experiment; the operator recovers everything first');
    await says(running, `waiting: slow: the operator has not looked at it: ${AWAY}`);
    await isAsked(api);
    running.signal('SIGTERM');
    expect(await running.end).toEqual({ exitCode: 143, message: ASKED });
  });

  test('does not wait without an end, and tells each few seconds', async () => {
    const running = run(200);
    await api.watched();
    running.signal('SIGTERM');
    expect(await running.end).toEqual({ exitCode: 143, message: `not ended within 1m; ${ASKED}` });
    expect(running.printed().split('waiting: slow: ').length).toBeGreaterThan(3);
  });

  test('before it is applied: nothing is', async () => {
    const running = run();
    running.signal('SIGTERM');
    expect(await running.end).toEqual({ exitCode: 143, message: 'interrupted by SIGTERM' });
    expect(api.get(PATH)).toBeUndefined();
  });

  test('a dry run is deleted at once', async () => {
    const running = command(api.kubeconfig, ['explain', '-', '--cluster'], { input: JSON.stringify(experiment) });
    await api.watched();
    expect(api.get(`${PATH}-dry-run`)).toBeDefined();
    running.signal('SIGINT');
    expect(await running.end).toEqual({ exitCode: 130, message: 'interrupted by SIGINT' });
    expect(api.get(`${PATH}-dry-run`)).toBeUndefined();
  });
});

test('recover --all of a cluster leaves at a signal, and says that the kill switch stays on', async () => {
  api.set(PATH, { ...experiment, status: { phase: 'Running' } });
  const running = command(api.kubeconfig, ['recover', '--all', '--cluster']);
  await says(running, 'not recovered yet: shop/slow (Running)');
  running.signal('SIGTERM');
  const { exitCode, message } = await running.end;
  expect([exitCode, message]).toEqual([143, expect.stringContaining('the kill switch stays on')]);
});
