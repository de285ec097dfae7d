/** A daemon to talk to: the one that answers on the socket, or one in this very process while it is needed. */
import { ChaosError, defined, type Logger } from '@chaosplane/common';
import { FolderHeldError, presenceOn, startDaemon, type RawDaemonConfig, type RunningDaemon } from '@chaosplane/daemon';
import { ChaosDaemonDefinition, type ChaosDaemonClient } from '@chaosplane/proto';
import { createChannel, createClient } from 'nice-grpc';
import type { Surroundings } from '../commands/options.ts';

/** Where the daemon is or will be. */
export interface ConnectionOptions {
  readonly socketPath: string;
  readonly stateDir: string;
  readonly runtimeEndpoint?: string;
  readonly networkEngine?: 'auto' | 'netem' | 'tap' | 'queue';
  readonly logger: Logger;
}

/** A connection to a daemon. */
export interface DaemonConnection {
  readonly client: ChaosDaemonClient;
  /** Set when the daemon lives in this process. */
  readonly daemon?: RunningDaemon;
  /** Ends the connection, and the daemon when it is ours; what is active stays. */
  close(): Promise<void>;
}

/** What a connection needs around it: it tells on `err` what it waits for. */
export interface ConnectionSurroundings extends Pick<Surroundings, 'clock' | 'interrupted'> {
  readonly err: Pick<NodeJS.WritableStream, 'write'>;
}

/** How long a daemon may take to answer, and how long one that starts may take until it serves. */
const PATIENCE_MS = 10_000;
/** What takes longer is said. */
const SAID_AFTER_MS = 2000;
const LOOK_AGAIN_MS = 250;

/**
 * Connects to the daemon on the socket, or starts one there. Never beside another one: who holds the state folder and does not
 * serve yet is waited for.
 * @throws ChaosError UNAVAILABLE when a daemon is there and does not answer, or holds the folder and does not serve; what
 *   `startDaemon` throws.
 */
export async function connectDaemon(
  options: ConnectionOptions,
  surroundings: ConnectionSurroundings,
): Promise<DaemonConnection> {
  const { clock, err, interrupted } = surroundings;
  const since = clock.monotonic();
  for (let told = false; ;) {
    const joined = await joinDaemon(options.socketPath, surroundings);
    if (joined !== undefined) return joined;
    try {
      return connect(options.socketPath, await startHere(options));
    } catch (error) {
      if (!(error instanceof FolderHeldError)) throw error;
      const waited = clock.monotonic() - since;
      if (waited > PATIENCE_MS) throw new ChaosError('UNAVAILABLE', whyNeither(options.socketPath, error));
      if (!told && waited > SAID_AFTER_MS) {
        err.write(`${error.holder} has the journal in ${error.folder}, and does not serve yet: waiting for it …\n`);
        told = true;
      }
      await clock.sleep(LOOK_AGAIN_MS, interrupted);
    }
  }
}

function whyNeither(socketPath: string, { holder, folder }: FolderHeldError): string {
  const wayOut = 'if it still starts, ask again; if it hangs, end it; if it listens elsewhere, name its --socket';
  return `no daemon answers on ${socketPath}, and ${holder} has the journal in ${folder}: ${wayOut}`;
}

/**
 * Connects to a daemon that runs; undefined when there is none.
 * @throws ChaosError UNAVAILABLE when one is there and does not answer.
 */
export async function joinDaemon(
  socketPath: string,
  { clock, err, interrupted }: ConnectionSurroundings,
): Promise<DaemonConnection | undefined> {
  const waiting = clock.after(SAID_AFTER_MS, () =>
    err.write(`the daemon on ${socketPath} does not answer yet: waiting up to ${PATIENCE_MS / 1000} s …\n`),
  );
  const asked = presenceOn(socketPath, { limitMs: PATIENCE_MS, clock, signal: interrupted });
  const presence = await asked.finally(() => waiting.cancel());
  if (presence === 'absent') return undefined;
  if (presence === 'serves') return connect(socketPath, undefined);
  const wayOut =
    'restart it (delete its pod, or its service), which keeps its journal, and ask again; each fault ends at its deadline all the same';
  throw new ChaosError(
    'UNAVAILABLE',
    `a daemon holds ${socketPath} and did not answer within ${PATIENCE_MS / 1000} s, so it hangs or its node is overloaded: ${wayOut}`,
  );
}

function startHere({
  socketPath,
  stateDir,
  runtimeEndpoint,
  networkEngine,
  logger,
}: ConnectionOptions): Promise<RunningDaemon> {
  const config: Partial<RawDaemonConfig> = {
    socketPath,
    stateDir,
    ...defined({ runtimeEndpoint, networkEngine }),
  };
  return startDaemon(config, { logger });
}

function connect(socketPath: string, daemon: RunningDaemon | undefined): DaemonConnection {
  const channel = createChannel(`unix://${socketPath}`);
  return {
    client: createClient(ChaosDaemonDefinition, channel),
    ...defined({ daemon }),
    async close() {
      channel.close();
      await daemon?.stop();
    },
  };
}
