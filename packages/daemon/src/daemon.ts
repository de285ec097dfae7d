/** Puts a daemon together and starts it: host, journal, engine, servers, in that order; stops it in the other. */
import { hostname } from 'node:os';
import { reportTurned, serveHttp, systemClock, VERSION, type Clock, type Logger } from '@chaosplane/common';
import { ChaosDaemonDefinition } from '@chaosplane/proto';
import { ServerCredentials } from '@grpc/grpc-js';
import { createServer, type Server } from 'nice-grpc';
import { errorDetailsServerMiddleware } from 'nice-grpc-error-details';
import { HealthDefinition, HealthServiceImpl, HealthState } from 'nice-grpc-server-health';
import { parseConfig, type DaemonConfig, type RawDaemonConfig } from './config.ts';
import { startEngine, type Engine } from './engine/engine.ts';
import type { SweepReport } from './engine/sweep.ts';
import type { Host } from './contract/host.ts';
import { nodeAddresses } from './host/kernel/node-addresses.ts';
import { createHost } from './host/real-host.ts';
import { createTokenReviewer } from './server/identity/token-review.ts';
import { openJournal, type Journal } from './journal/journal.ts';
import { lockFolder } from './host/folder-lock.ts';
import { clientIdentity } from './server/identity/identity.ts';
import { endServer, listenTcp, listenUnix } from './server/listeners.ts';
import { COMMANDS, HEALTH } from './server/limits.ts';
import { createMetrics } from './server/metrics.ts';
import { callMiddleware } from './server/middleware.ts';
import { commandPort, healthPort } from './server/ports.ts';
import { createService } from './server/service.ts';

/** What a daemon is given beside its settings; the real one stands in for what is absent. */
export interface DaemonParts {
  readonly logger: Logger;
  readonly clock?: Clock;
  /** Made from the settings when absent. */
  readonly host?: Host;
  /** Opened in the state folder when absent. */
  readonly journal?: Journal;
}

/** A daemon that serves. */
export interface RunningDaemon {
  readonly socketPath: string;
  /** Where it can be reached over TCP, `host:port`, by listener. */
  readonly addresses: Readonly<Partial<Record<'grpc' | 'health' | 'http', string>>>;
  readonly swept: SweepReport;
  /** Whether nothing is live. */
  isIdle(): boolean;
  /** Undoes everything that is live. */
  recoverAll(): ReturnType<Engine['recoverAll']>;
  /** Stops serving; what is active stays or is undone as the settings say. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts a daemon; resolves once it serves.
 * @throws ChaosError INVALID_ARGUMENT for wrong settings, FAILED_PRECONDITION when another daemon is there already.
 */
export async function startDaemon(raw: Partial<RawDaemonConfig>, parts: DaemonParts): Promise<RunningDaemon> {
  const config = parseConfig({ nodeName: hostname(), ...raw });
  const stack = new AsyncDisposableStack();
  try {
    return await assemble(config, parts, stack);
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function assemble(config: DaemonConfig, parts: DaemonParts, stack: AsyncDisposableStack): Promise<RunningDaemon> {
  const { logger, clock = systemClock } = parts;
  const health = HealthState();
  health.setStatus('unhealthy');
  let ready = false;
  const metrics = createMetrics();
  const addresses: Partial<Record<'grpc' | 'health' | 'http', string>> = {};
  const doors = { clock, logger, count: metrics.countTurned };
  const node = nodeAddresses(clock);
  stack.defer(() => node.close());
  // Probes are answered from the first moment: not ready, but alive.
  if (config.httpListen !== undefined) {
    const pages = {
      notReady: () => (ready ? undefined : 'not serving: sweeping what an earlier daemon left, or shutting down'),
      metrics: metrics.registry,
    };
    const standing = (address: string) => (node.has(address) ? 'friend' : 'stranger');
    const http = await serveHttp(config.httpListen, pages, { clock, standing, onTurned: reportTurned('http', doors) });
    stack.defer(() => http.close());
    addresses.http = http.address;
  }
  if (config.healthListen !== undefined) {
    const plain = createServer(HEALTH.options);
    plain.add(HealthDefinition, HealthServiceImpl(health));
    const insecure = ServerCredentials.createInsecure();
    addresses.health = await listenTcp(plain, config.healthListen, insecure, healthPort(node, doors));
    stack.defer(() => plain.forceShutdown());
  }
  stack.defer(await lockFolder(config.stateDir));
  const journal = parts.journal ?? (await openJournal(config.stateDir));
  const { nodeName, runtimeEndpoint, allowNodeRestart } = config;
  const endpoint = runtimeEndpoint === undefined ? {} : { runtimeEndpoint };
  const host = parts.host ?? (await createHost({ nodeName, allowNodeRestart, ...endpoint }));
  stack.defer(() => host.close());
  const { defaultTtlMs, maxTtlMs, networkEngine, networkHooks } = config;
  const placement = { engine: networkEngine, hooks: networkHooks };
  const limits = { defaultTtlMs, maxTtlMs, placement, node: { allowNodeRestart } };
  const engine = await startEngine({ host, journal, clock, logger, config: limits });
  stack.defer(() => engine.stop());
  metrics.watch(engine);

  // A server listens once, so each address has its own.
  const serve = async (listen: (server: Server) => Promise<string>): Promise<string> => {
    const server = createServer(COMMANDS.options)
      .use(errorDetailsServerMiddleware)
      .use(callMiddleware({ clock, logger, observe: metrics.observeCall }));
    server.add(ChaosDaemonDefinition, createService(engine, { version: VERSION }));
    server.add(HealthDefinition, HealthServiceImpl(health));
    const address = await listen(server);
    stack.defer(() => endServer(server, clock));
    return address;
  };
  await serve((server) => listenUnix(server, config.socketPath));
  const { listen, tls, clientName } = config;
  if (listen !== undefined && tls !== undefined && clientName !== undefined) {
    const { before, callers } = commandPort(doors);
    const parts = { clock, logger, count: metrics.countRefusal, reviewer: createTokenReviewer, callers };
    const identity = await clientIdentity({ ...config, tls, clientName }, parts);
    stack.defer(() => identity.stop());
    const listenGuarded = (server: Server): Promise<string> => listenTcp(server, listen, identity.credentials, before);
    addresses.grpc = await serve(listenGuarded);
  }
  // Before the servers end: this is what ends the streams that they have open.
  stack.defer(() => engine.refuse());
  health.setStatus('healthy');
  ready = true;
  logger.info({ socket: config.socketPath, ...addresses }, 'daemon serving');

  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    ready = false;
    health.setStatus('unhealthy');
    engine.refuse();
    if (config.onStop === 'undo') await engine.recoverAll();
    await stack.disposeAsync();
    logger.info('daemon stopped');
  };
  return {
    socketPath: config.socketPath,
    addresses,
    swept: engine.swept,
    isIdle: () => engine.live().length === 0,
    recoverAll: () => engine.recoverAll(),
    stop: () => (stopping ??= stop()),
  };
}
