/** How the daemon can be reached, by which clients, and how it starts and stops; with real sockets and a real runtime behind it. */
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLogger } from '@chaosplane/common';
import { ExecutionState } from '@chaosplane/proto';
import { fingerprint } from '@chaosplane/testbed';
import { eventually } from '@chaosplane/testkit/eventually';
import { createChannel, createClient, Status } from 'nice-grpc';
import { HealthDefinition } from 'nice-grpc-server-health';
import { startDaemon } from '../../src/index.ts';
import { openJournal } from '../../src/journal/journal.ts';
import { arriving, changesSince, createPodLab, TWENTY, type PodDaemon, type PodEnd, type PodLab } from './pod-lab.ts';

/** grpc.health.v1.HealthCheckResponse.ServingStatus. */
const [SERVING, NOT_SERVING] = [1, 2];
const logger = createLogger({ level: 'silent' });

let lab: PodLab;
let target: PodEnd;
let near: PodEnd;

beforeAll(async () => {
  lab = await createPodLab();
  [target, near] = [await lab.addEnd('target'), await lab.addEnd('near')];
}, 60_000);

afterAll(async () => {
  await lab.close();
}, 120_000);

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function page(address: string, path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://${address}${path}`);
  return { status: response.status, text: await response.text() };
}

async function healthAt(address: string): Promise<number> {
  const channel = createChannel(address);
  try {
    return (await createClient(HealthDefinition, channel).check({ service: '' })).status;
  } finally {
    channel.close();
  }
}

const partition = async ({ client }: PodDaemon): Promise<string> => {
  const parameters = { podName: 'target', targetCidr: near.ipv4 };
  return (await client.execNetworkChaos({ experimentId: 'server', action: 'partition', parameters })).executionId;
};

describe('a daemon that starts', () => {
  test('is alive at once, and ready only after it has swept', async () => {
    const stateDir = await lab.folder();
    const journal = await openJournal(stateDir);
    const swept = Promise.withResolvers<undefined>();
    const load = async () => {
      await swept.promise;
      return journal.load();
    };
    const [http, health] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
    const settings = {
      stateDir,
      socketPath: join(stateDir, 'run/daemon.sock'),
      httpListen: http,
      healthListen: health,
    };
    const starting = startDaemon(
      { ...settings, runtimeEndpoint: lab.testbed.runtimeEndpoint },
      { logger, journal: { ...journal, load } },
    );
    try {
      await expectSoon(() => page(http, '/healthz'), { status: 200, text: 'ok\n' });
      expect((await page(http, '/readyz')).status).toBe(503);
      await expectSoon(() => healthAt(health), NOT_SERVING);
    } finally {
      swept.resolve(undefined);
    }
    const daemon = await starting;
    expect(await page(http, '/readyz')).toEqual({ status: 200, text: 'ok\n' });
    expect(await healthAt(health)).toBe(SERVING);
    expect(await healthAt(`unix://${daemon.socketPath}`)).toBe(SERVING);
    expect((await page(http, '/other')).status).toBe(404);
    await daemon.stop();
    await expect(page(http, '/healthz')).rejects.toThrow();
  }, 120_000);

  test('lets only its owner in', async () => {
    const { daemon, stop } = await lab.startDaemon();
    const mode = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);
    expect(await mode(daemon.socketPath)).toBe('600');
    expect(await mode(dirname(daemon.socketPath))).toBe('700');
    await stop();
  });

  test.each([
    ['journal', (first: PodDaemon) => ({ stateDir: first.stateDir })],
    ['socket', (first: PodDaemon) => ({ socketPath: first.daemon.socketPath })],
  ] as const)(
    'beside another one on the same %s is refused with the way out, and does not harm the other',
    async (_name, shared) => {
      const first = await lab.startDaemon();
      const folder = await lab.folder();
      const settings = { stateDir: folder, socketPath: join(folder, 'daemon.sock'), ...shared(first) };
      await expect(lab.startDaemon(settings)).rejects.toMatchObject({
        code: 'FAILED_PRECONDITION',
        message: expect.stringContaining('stop that one first'),
      });
      expect((await first.client.listExecutions({})).executions).toEqual([]);
      expect(await healthAt(`unix://${first.daemon.socketPath}`)).toBe(SERVING);
      await first.stop();
    },
  );

  test('counts its executions and its calls for Prometheus', async () => {
    const daemon = await lab.startDaemon({ httpListen: '127.0.0.1:0' });
    const executionId = await partition(daemon);
    await expect(daemon.client.execNetworkChaos({ action: 'explode' })).rejects.toThrow();
    const { text } = await page(daemon.daemon.addresses.http ?? '', '/metrics');
    expect(text).toContain('chaosplane_daemon_executions{action="network-partition",state="active"} 1');
    expect(text).toContain('chaosplane_daemon_call_seconds_count{rpc="ExecNetworkChaos",status="OK"} 1');
    expect(text).toContain('chaosplane_daemon_call_seconds_count{rpc="ExecNetworkChaos",status="INVALID_ARGUMENT"} 1');
    await daemon.client.cancelChaos({ executionId });
    await daemon.stop();
  });
});

test('who watches sees each change, and the end of the stream when the daemon stops', async () => {
  const daemon = await lab.startDaemon();
  const states: ExecutionState[] = [];
  const reached = Promise.withResolvers<undefined>();
  const ended = (async () => {
    for await (const { execution } of daemon.client.watchExecutions({ experimentId: 'server' })) {
      if (execution === undefined) throw new Error('an event without an execution');
      states.push(execution.state);
      if (execution.state === ExecutionState.EXECUTION_STATE_ENDED) reached.resolve(undefined);
    }
  })();
  const executionId = await partition(daemon);
  await daemon.client.cancelChaos({ executionId });
  await reached.promise;
  await daemon.daemon.stop();
  await ended;
  expect(states).toContain(ExecutionState.EXECUTION_STATE_ACTIVE);
  expect(states.at(-1)).toBe(ExecutionState.EXECUTION_STATE_ENDED);
  await daemon.stop();
}, 120_000);

describe('a daemon that is told to stop', () => {
  test('keeps what is active, and the next one has it in hand', async () => {
    const before = await fingerprint(target.path);
    const first = await lab.startDaemon();
    const executionId = await partition(first);
    await first.daemon.stop();
    await expect(first.client.listExecutions({})).rejects.toMatchObject({ code: Status.UNAVAILABLE });
    await first.stop();
    expect(await arriving(target, near)).toBe(0);

    const next = await lab.startDaemon({ stateDir: first.stateDir });
    expect(next.daemon.swept).toMatchObject({ kept: [executionId], ended: [], orphans: [] });
    expect(await arriving(target, near)).toBe(0);
    const { evidence } = await next.client.getExecution({ executionId });
    expect(evidence?.notes).toContainEqual(expect.stringContaining('no daemon ran for up to'));
    expect(evidence?.counters).not.toHaveProperty('interrupted_ms');
    await next.client.cancelChaos({ executionId });
    expect(await arriving(target, near)).toBe(TWENTY);
    expect(await changesSince(before, target)).toEqual([]);
    await next.stop();
  }, 120_000);

  test('undoes what is active where the settings say so', async () => {
    const before = await fingerprint(target.path);
    const daemon = await lab.startDaemon({ onStop: 'undo' });
    await partition(daemon);
    await daemon.stop();
    expect(await changesSince(before, target)).toEqual([]);
    expect(await arriving(target, near)).toBe(TWENTY);
  }, 120_000);
});

/** Waits until it is so; a connection that is refused is not yet so. */
async function expectSoon<T>(ask: () => Promise<T>, wanted: T): Promise<void> {
  await eventually('the answer', () => ask().catch((error: unknown) => error), {
    withinMs: 5000,
    everyMs: 20,
    is: (found) => JSON.stringify(found) === JSON.stringify(wanted),
  });
}
