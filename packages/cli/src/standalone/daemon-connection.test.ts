/** With which daemon a command works: one that serves, one that hangs, one that starts, none. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, systemClock } from '@chaosplane/common';
import { startDaemon } from '@chaosplane/daemon';
import { FakeNode, memoryJournal } from '@chaosplane/testkit';
import { fastClock } from '@chaosplane/testkit/clocks';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { lockFolder } from '@chaosplane/daemon/folder-lock';
import { joinDaemon, connectDaemon, type ConnectionSurroundings } from './daemon-connection.ts';

const logger = createLogger({ level: 'silent' });
/** Ten seconds pass in half a second. */
const clock = fastClock(20);

let folder: string;
let stateDir: string;
let socketPath: string;
let said: string;
let surroundings: ConnectionSurroundings;
let stack: AsyncDisposableStack;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'connection-test-'));
  stateDir = join(folder, 'state');
  socketPath = join(folder, 'daemon.sock');
  said = '';
  const err = { write: (text: string | Uint8Array) => ((said += String(text)), true) };
  surroundings = { clock, err, interrupted: new AbortController().signal };
  stack = new AsyncDisposableStack();
  stack.defer(() => rm(folder, { recursive: true }));
});
afterEach(() => stack.disposeAsync());

/** A daemon that serves, but for its node. */
async function serve(state = stateDir): Promise<void> {
  const host = new FakeNode().host();
  const daemon = await startDaemon({ socketPath, stateDir: state }, { logger, host, journal: memoryJournal() });
  stack.defer(() => daemon.stop());
}

/** What the kernel does for a process that is stopped: it takes connections, and no answer ever comes. */
async function hang(): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket)).listen(socketPath);
  await once(server, 'listening');
  stack.defer(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
}

const options = () => ({ socketPath, stateDir, logger });

test('one that serves is joined, at once and without a word', async () => {
  await serve();
  const connection = await connectDaemon(options(), { ...surroundings, clock: systemClock });
  expect((await connection.client.listExecutions({})).executions).toEqual([]);
  expect(connection.daemon).toBeUndefined();
  await connection.close();
  expect(said).toBe('');
});

test('where there is none, there is nothing to join', async () => {
  expect(await joinDaemon(socketPath, surroundings)).toBeUndefined();
});

test('one that hangs is named with what to do, and nothing is begun beside it', async () => {
  await hang();
  const refusal = `a daemon holds ${socketPath} and did not answer within 10 s, so it hangs or its node is overloaded: restart it`;
  await expect(joinDaemon(socketPath, surroundings)).rejects.toThrow(refusal);
  await expect(connectDaemon(options(), surroundings)).rejects.toThrow(refusal);
  expect(said).toContain(`the daemon on ${socketPath} does not answer yet: waiting up to 10 s`);
  // A connection that had begun would have taken the folder.
  const unlock = await lockFolder(stateDir);
  await unlock();
});

test('waiting for it ends with Ctrl-C', async () => {
  await hang();
  const interrupt = new AbortController();
  const joining = joinDaemon(socketPath, { ...surroundings, clock: systemClock, interrupted: interrupt.signal });
  interrupt.abort(new Error('interrupted by SIGINT'));
  await expect(joining).rejects.toThrow('interrupted by SIGINT');
});

test('one that starts has the journal and no socket yet: it is waited for, and joined', async () => {
  const unlock = await lockFolder(stateDir);
  stack.defer(unlock);
  const opening = connectDaemon(options(), { ...surroundings, clock: systemClock });
  await serve(join(folder, 'elsewhere'));
  const connection = await opening;
  expect(connection.daemon).toBeUndefined();
  await connection.close();
});

test('one that has the journal and never serves is named with its process and its folder', async () => {
  stack.defer(await lockFolder(stateDir));
  await expect(connectDaemon(options(), surroundings)).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: `no daemon answers on ${socketPath}, and process ${process.pid} has the journal in ${stateDir}: if it still starts, ask again; if it hangs, end it; if it listens elsewhere, name its --socket`,
  });
  expect(said).toContain(`process ${process.pid} has the journal in ${stateDir}, and does not serve yet: waiting`);
});
