/** A daemon to talk to: the one that answers on the socket, or one in this very process while it is needed. */
import type { Logger } from '@chaosplane/common';
import { answers, startDaemon, type RawDaemonConfig, type RunningDaemon } from '@chaosplane/daemon';
import { ChaosDaemonDefinition, type ChaosDaemonClient } from '@chaosplane/proto';
import { createChannel, createClient } from 'nice-grpc';

/** Where the daemon is or will be. */
export interface SessionOptions {
  readonly socketPath: string;
  readonly stateDir: string;
  readonly runtimeEndpoint?: string;
  readonly networkEngine?: 'auto' | 'netem' | 'queue';
  readonly logger: Logger;
}

/** A connection to a daemon. */
export interface Session {
  readonly client: ChaosDaemonClient;
  /** Set when the daemon lives in this process. */
  readonly daemon?: RunningDaemon;
  /** Ends the connection, and the daemon when it is ours; what is active stays. */
  close(): Promise<void>;
}

/** Connects to the daemon on the socket, or starts one there. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const daemon = (await answers(options.socketPath)) ? undefined : await startHere(options);
  return connect(options.socketPath, daemon);
}

/** Connects to a daemon that runs; undefined when none answers. */
export async function joinSession(socketPath: string): Promise<Session | undefined> {
  return (await answers(socketPath)) ? connect(socketPath, undefined) : undefined;
}

function startHere({
  socketPath,
  stateDir,
  runtimeEndpoint,
  networkEngine,
  logger,
}: SessionOptions): Promise<RunningDaemon> {
  const config: Partial<RawDaemonConfig> = {
    socketPath,
    stateDir,
    ...(runtimeEndpoint === undefined ? {} : { runtimeEndpoint }),
    ...(networkEngine === undefined ? {} : { networkEngine }),
  };
  return startDaemon(config, { logger });
}

function connect(socketPath: string, daemon: RunningDaemon | undefined): Session {
  const channel = createChannel(`unix://${socketPath}`);
  return {
    client: createClient(ChaosDaemonDefinition, channel),
    ...(daemon === undefined ? {} : { daemon }),
    async close() {
      channel.close();
      await daemon?.stop();
    },
  };
}
