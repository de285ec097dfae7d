/** `chaosplane daemon`: serves in the foreground until it is told to stop. */
import { ChaosError, createLogger, type LogLevel } from '@chaosplane/common';
import { startDaemon, type RawDaemonConfig } from '@chaosplane/daemon';
import { Option, type Command } from 'commander';
import { exitCodes } from '../output/problems.ts';
import {
  engineOption,
  runtimeOption,
  socketOption,
  stateDirOption,
  type EngineFlags,
  type Surroundings,
} from './options.ts';

interface DaemonCommandFlags extends EngineFlags {
  readonly nodeName?: string;
  readonly listen?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
  readonly healthListen?: string;
  readonly httpListen?: string;
  readonly defaultTtl: string;
  readonly maxTtl: string;
  readonly networkHooks: 'auto' | 'netdev' | 'inet';
  readonly onStop: 'keep' | 'undo';
  readonly logLevel: LogLevel;
}

const option = (flags: string, description: string, env: string): Option =>
  new Option(flags, description).env(`CHAOSPLANE_${env}`);

export function addDaemon(program: Command, { interrupted }: Surroundings, done: (exitCode: number) => void): void {
  program
    .command('daemon')
    .summary('serve the gRPC contract on this node')
    .description(
      'Serves the gRPC contract on this node, in the foreground: on a unix socket that only its owner can enter, and on TCP\n' +
        'only with mutual TLS. What is active when it stops stays active for the next daemon to take over, for as long as its\n' +
        'TTL allows.',
    )
    .addOption(socketOption)
    .addOption(stateDirOption)
    .addOption(runtimeOption)
    .addOption(engineOption)
    .addOption(
      option('--network-hooks <hooks>', 'where packets are caught', 'NETWORK_HOOKS')
        .choices(['auto', 'netdev', 'inet'])
        .default('auto'),
    )
    .addOption(option('--node-name <name>', 'as the cluster calls this node; the host name when left out', 'NODE_NAME'))
    .addOption(option('--listen <host:port>', 'gRPC over TCP; needs the three TLS files', 'LISTEN'))
    .addOption(option('--tls-cert <file>', "the daemon's certificate, PEM", 'TLS_CERT'))
    .addOption(option('--tls-key <file>', "the certificate's key, PEM", 'TLS_KEY'))
    .addOption(option('--tls-client-ca <file>', 'who signs the clients, PEM', 'TLS_CLIENT_CA'))
    .addOption(
      option('--health-listen <host:port>', 'grpc.health.v1 alone, plaintext, for the kubelet', 'HEALTH_LISTEN'),
    )
    .addOption(option('--http-listen <host:port>', '/healthz, /readyz and /metrics, for example :8081', 'HTTP_LISTEN'))
    .addOption(
      option('--default-ttl <duration>', 'longest life of executions whose request gives none', 'DEFAULT_TTL').default(
        '10m',
      ),
    )
    .addOption(option('--max-ttl <duration>', 'longest life that a request may ask for', 'MAX_TTL').default('24h'))
    .addOption(
      option('--on-stop <what>', 'what becomes of active executions', 'ON_STOP')
        .choices(['keep', 'undo'])
        .default('keep'),
    )
    .addOption(
      option('--log-level <level>', 'how much is logged', 'LOG_LEVEL')
        .choices(['debug', 'info', 'warn', 'error'])
        .default('info'),
    )
    .action(async (_flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<DaemonCommandFlags>();
      const daemon = await startDaemon(configOf(flags), { logger: createLogger({ level: flags.logLevel }) });
      await new Promise<void>((resolve) => interrupted.addEventListener('abort', () => resolve(), { once: true }));
      await daemon.stop();
      done(exitCodes.held);
    });
}

function configOf(flags: DaemonCommandFlags): Partial<RawDaemonConfig> {
  const { tlsCert: certificate, tlsKey: key, tlsClientCa: clientCa } = flags;
  const given = [certificate, key, clientCa].filter((file) => file !== undefined).length;
  if (given !== 0 && given !== 3) {
    throw new ChaosError('INVALID_ARGUMENT', 'mutual TLS needs all of --tls-cert, --tls-key and --tls-client-ca');
  }
  const tls =
    certificate !== undefined && key !== undefined && clientCa !== undefined
      ? { certificate, key, clientCa }
      : undefined;
  const { nodeName, runtimeEndpoint, listen, healthListen, httpListen } = flags;
  return {
    socketPath: flags.socket,
    stateDir: flags.stateDir,
    networkEngine: flags.networkEngine,
    networkHooks: flags.networkHooks,
    defaultTtlMs: flags.defaultTtl,
    maxTtlMs: flags.maxTtl,
    onStop: flags.onStop,
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(runtimeEndpoint === undefined ? {} : { runtimeEndpoint }),
    ...(listen === undefined ? {} : { listen }),
    ...(tls === undefined ? {} : { tls }),
    ...(healthListen === undefined ? {} : { healthListen }),
    ...(httpListen === undefined ? {} : { httpListen }),
  };
}
