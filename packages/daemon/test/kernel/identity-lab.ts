/** A daemon that listens on TCP over a stand-in for a node, and clients of every kind of identity. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, systemClock, type Clock } from '@chaosplane/common';
import { ChaosDaemonDefinition, type ChaosDaemonClient } from '@chaosplane/proto';
import { FakeNode } from '@chaosplane/testkit';
import { ChannelCredentials, createChannel, createClient, Metadata, Status, type Channel } from 'nice-grpc';
import { startDaemon, type RawDaemonConfig, type RunningDaemon } from '../../src/index.ts';
import { read, type Identity } from './certificates.ts';

/** The name in the certificate of the operator. */
export const OPERATOR = 'chaosplane-operator.chaos.svc';

/** The operator's account. */
export const ACCOUNT = 'system:serviceaccount:chaos:chaosplane-operator';

/** A daemon, its log and its clock. */
export interface TcpDaemon {
  readonly daemon: RunningDaemon;
  /** Lines of its log so far, without times. */
  readonly log: readonly Readonly<Record<string, unknown>>[];
  /** The daemon's time, in milliseconds since the epoch. */
  now(): number;
  /** Moves the daemon's clock ahead. */
  pass(ms: number): void;
  /** What Prometheus would read. */
  metrics(): Promise<string>;
  /** Opens a connection that trusts the authority. */
  connect(authority: Identity, own?: Identity): Promise<Channel>;
  /** The status of a call with these identities, on a connection of its own. */
  call(authority: Identity, own: Identity | undefined, token?: string): Promise<string>;
  stop(): Promise<void>;
}

/** A new folder under the machine's own for such things. */
export async function newFolder(stack: AsyncDisposableStack): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'chaosplane-identity-'));
  stack.defer(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Starts one on a free port. */
export async function startTcpDaemon(folder: string, settings: Partial<RawDaemonConfig>): Promise<TcpDaemon> {
  const log: Record<string, unknown>[] = [];
  const write = (line: string): void => {
    const { time: _time, ...fields } = JSON.parse(line) as Record<string, unknown>;
    log.push(fields);
  };
  let ahead = 0;
  const clock: Clock = {
    ...systemClock,
    now: () => systemClock.now() + ahead,
    monotonic: () => systemClock.monotonic() + ahead,
  };
  const places = { stateDir: join(folder, 'state'), socketPath: join(folder, 'run/daemon.sock') };
  const daemon = await startDaemon(
    { ...places, listen: '127.0.0.1:0', httpListen: '127.0.0.1:0', clientName: OPERATOR, ...settings },
    { logger: createLogger({ destination: { write } }), clock, host: new FakeNode().host() },
  );
  const connect = async (authority: Identity, own?: Identity): Promise<Channel> => {
    const ca = await readFile(authority.certificate);
    const mine = own === undefined ? undefined : await read(own);
    const address = `localhost:${daemon.addresses.grpc?.split(':').at(-1)}`;
    return createChannel(address, ChannelCredentials.createSsl(ca, mine?.key, mine?.certificate), {
      // Otherwise equal channels of this process would share their connections.
      'grpc.use_local_subchannel_pool': 1,
    });
  };
  return {
    daemon,
    log,
    now: () => clock.now(),
    pass: (ms) => void (ahead += ms),
    metrics: async () => (await fetch(`http://${daemon.addresses.http}/metrics`)).text(),
    connect,
    async call(authority, own, token) {
      const channel = await connect(authority, own);
      try {
        return await statusOf(channel, token);
      } finally {
        channel.close();
      }
    },
    stop: () => daemon.stop(),
  };
}

/** The status of a call on a connection, with a token or without. */
export async function statusOf(channel: Channel, token?: string): Promise<string> {
  return statusOfCall((client, metadata) => client.listExecutions({}, { metadata }), channel, token);
}

/** The status of any call. */
export async function statusOfCall(
  call: (client: ChaosDaemonClient, metadata: Metadata) => Promise<unknown>,
  channel: Channel,
  token?: string,
): Promise<string> {
  const metadata = Metadata(token === undefined ? {} : { authorization: `Bearer ${token}` });
  try {
    await call(createClient(ChaosDaemonDefinition, channel), metadata);
    return 'OK';
  } catch (error) {
    return Status[(error as { code: Status }).code];
  }
}
