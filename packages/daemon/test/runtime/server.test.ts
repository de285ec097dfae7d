/** How the daemon can be reached, by whom, and how it starts and stops; with real sockets and a real runtime behind it. */
import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLogger } from '@chaosplane/common';
import { ChaosDaemonDefinition, ExecutionState } from '@chaosplane/proto';
import { fingerprint } from '@chaosplane/testbed';
import { ChannelCredentials, createChannel, createClient, Status } from 'nice-grpc';
import { HealthDefinition } from 'nice-grpc-server-health';
import { startDaemon, type RawDaemonConfig } from '../../src/index.ts';
import { openJournal } from '../../src/journal/journal.ts';
import { createAuthority, createIdentity, read, type Identity } from './certificates.ts';
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
}, 30_000);

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
  }, 20_000);

  test('lets nobody but its owner in', async () => {
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

describe('over TCP', () => {
  let folder: string;
  let authority: Identity;
  let server: Identity;
  let client: Identity;
  let stranger: Identity;
  let daemon: PodDaemon;

  beforeAll(async () => {
    folder = await lab.folder();
    authority = await createAuthority(folder, 'authority');
    server = await createIdentity(folder, 'server', authority);
    client = await createIdentity(folder, 'client', authority);
    stranger = await createIdentity(folder, 'stranger', await createAuthority(folder, 'other-authority'));
    const tls = { certificate: server.certificate, key: server.key, clientCa: authority.certificate };
    daemon = await lab.startDaemon({ listen: '127.0.0.1:0', tls });
  }, 20_000);

  async function list(identity: Identity | undefined): Promise<string> {
    const ca = await readFile(authority.certificate);
    const own = identity === undefined ? undefined : await read(identity);
    return call(ChannelCredentials.createSsl(ca, own?.key, own?.certificate));
  }

  /** The status of a call. */
  async function call(credentials: ChannelCredentials): Promise<string> {
    const channel = createChannel(`localhost:${daemon.daemon.addresses.grpc?.split(':').at(-1)}`, credentials);
    try {
      await createClient(ChaosDaemonDefinition, channel).listExecutions({});
      return 'OK';
    } catch (error) {
      return Status[(error as { code: Status }).code];
    } finally {
      channel.close();
    }
  }

  test('a client with a certificate of the authority is served', async () => {
    expect(await list(client)).toBe('OK');
  });

  test('one without a certificate, with that of a stranger, or without TLS is not', async () => {
    expect(await list(undefined)).toBe('UNAVAILABLE');
    expect(await list(stranger)).toBe('UNAVAILABLE');
    expect(await call(ChannelCredentials.createInsecure())).toBe('UNAVAILABLE');
  }, 20_000);

  test('a daemon without mutual TLS does not start', async () => {
    const stateDir = await lab.folder();
    const settings: Partial<RawDaemonConfig> = {
      stateDir,
      socketPath: join(stateDir, 'd.sock'),
      listen: '127.0.0.1:0',
    };
    await expect(startDaemon(settings, { logger })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('never listens on TCP without mutual TLS'),
    });
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
}, 15_000);

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
    expect(evidence?.notes).toContainEqual(expect.stringContaining('no daemon ran for a while'));
    await next.client.cancelChaos({ executionId });
    expect(await arriving(target, near)).toBe(TWENTY);
    expect(await changesSince(before, target)).toEqual([]);
    await next.stop();
  }, 20_000);

  test('undoes what is active where the settings say so', async () => {
    const before = await fingerprint(target.path);
    const daemon = await lab.startDaemon({ onStop: 'undo' });
    await partition(daemon);
    await daemon.stop();
    expect(await changesSince(before, target)).toEqual([]);
    expect(await arriving(target, near)).toBe(TWENTY);
  }, 20_000);
});

/** Waits until it is so; a connection that is refused is not yet so. */
async function expectSoon<T>(ask: () => Promise<T>, wanted: T): Promise<void> {
  const deadline = performance.now() + 5000;
  for (;;) {
    const found = await ask().catch((error: unknown) => error);
    if (performance.now() > deadline) expect(found).toEqual(wanted);
    if (JSON.stringify(found) === JSON.stringify(wanted)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
