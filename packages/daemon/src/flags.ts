/** The daemon's flags: what they are called, what they mean, and the settings that they become. */
import { ChaosError, defined, type LogLevel } from '@chaosplane/common';
import { Option, type Command } from 'commander';
import type { RawDaemonConfig } from './config.ts';

/** Flags as commander gives them. */
export interface DaemonFlags {
  readonly socket: string;
  readonly stateDir: string;
  readonly runtimeEndpoint?: string;
  readonly networkEngine: 'auto' | 'netem' | 'tap' | 'queue';
  readonly networkHooks: 'auto' | 'netdev' | 'inet';
  readonly allowNodeRestart?: boolean;
  readonly nodeName?: string;
  readonly listen?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
  readonly clientName?: string;
  readonly tokenServiceAccount?: string;
  readonly tokenAudience?: string;
  readonly apiServer?: string;
  readonly apiCredentials?: string;
  readonly healthListen?: string;
  readonly httpListen?: string;
  readonly defaultTtl: string;
  readonly maxTtl: string;
  readonly onStop: 'keep' | 'undo';
  readonly logLevel: LogLevel;
}

const option = (flags: string, description: string, env: string): Option =>
  new Option(flags, description).env(`CHAOSPLANE_${env}`);

export const socketOption = option('--socket <path>', 'unix socket of the daemon', 'SOCKET').default(
  '/run/chaosplane/daemon.sock',
);

export const stateDirOption = option(
  '--state-dir <path>',
  'where the journal of executions is kept',
  'STATE_DIR',
).default('/var/lib/chaosplane');

export const runtimeOption = option(
  '--runtime-endpoint <uri>',
  'CRI socket of the container runtime, unix:///…; looked for in the usual places when left out',
  'RUNTIME_ENDPOINT',
);

export const engineOption = option('--network-engine <engine>', 'what delays packets', 'NETWORK_ENGINE')
  .choices(['auto', 'netem', 'tap', 'queue'])
  .default('auto');

const options: readonly Option[] = [
  socketOption,
  stateDirOption,
  runtimeOption,
  engineOption,
  option('--network-hooks <hooks>', 'where packets are caught', 'NETWORK_HOOKS')
    .choices(['auto', 'netdev', 'inet'])
    .default('auto'),
  option('--allow-node-restart', 'lets node-restart restart this node', 'ALLOW_NODE_RESTART'),
  option('--node-name <name>', 'as the cluster calls this node; the host name when left out', 'NODE_NAME'),
  option('--listen <host:port>', 'gRPC over TCP; needs the three TLS files and the name of the client', 'LISTEN'),
  option('--tls-cert <file>', "the daemon's certificate, PEM", 'TLS_CERT'),
  option('--tls-key <file>', "the certificate's key, PEM", 'TLS_KEY'),
  option('--tls-client-ca <file>', 'who signs the clients, PEM', 'TLS_CLIENT_CA'),
  option('--client-name <name>', 'the DNS name that the certificate of a client must carry', 'CLIENT_NAME'),
  option(
    '--token-service-account <user>',
    'whose token clients must bring as well, system:serviceaccount:NAMESPACE:NAME',
    'TOKEN_SERVICE_ACCOUNT',
  ),
  option(
    '--token-audience <audience>',
    'the audience that tokens must have (default: "chaosplane-daemon")',
    'TOKEN_AUDIENCE',
  ),
  option('--api-server <url>', 'who reviews the tokens; that of the cluster when left out', 'API_SERVER'),
  option(
    '--api-credentials <folder>',
    'files token and ca.crt for the API server; those of the pod when left out',
    'API_CREDENTIALS',
  ),
  option('--health-listen <host:port>', 'grpc.health.v1 alone, plaintext, for the kubelet', 'HEALTH_LISTEN'),
  option('--http-listen <host:port>', '/healthz, /readyz and /metrics, for example :8081', 'HTTP_LISTEN'),
  option('--default-ttl <duration>', 'longest life of executions whose request gives none', 'DEFAULT_TTL').default(
    '10m',
  ),
  option('--max-ttl <duration>', 'longest life that a request may ask for', 'MAX_TTL').default('24h'),
  option('--on-stop <what>', 'what becomes of active executions', 'ON_STOP').choices(['keep', 'undo']).default('keep'),
  option('--log-level <level>', 'how much is logged', 'LOG_LEVEL')
    .choices(['debug', 'info', 'warn', 'error'])
    .default('info'),
];

/** Gives a command all flags of the daemon. */
export function addDaemonFlags(command: Command): Command {
  for (const each of options) command.addOption(each);
  return command;
}

/**
 * The settings that the flags ask for.
 * @throws ChaosError INVALID_ARGUMENT when only some of the flags of a group are given.
 */
export function settingsOf(flags: DaemonFlags): Partial<RawDaemonConfig> {
  const { listen, clientName, nodeName, runtimeEndpoint, healthListen, httpListen } = flags;
  const tls = tlsOf(flags);
  const tokenReview = tokenReviewOf(flags);
  return {
    socketPath: flags.socket,
    stateDir: flags.stateDir,
    networkEngine: flags.networkEngine,
    networkHooks: flags.networkHooks,
    defaultTtlMs: flags.defaultTtl,
    maxTtlMs: flags.maxTtl,
    onStop: flags.onStop,
    allowNodeRestart: flags.allowNodeRestart ?? false,
    ...defined({ nodeName, runtimeEndpoint, listen, tls, clientName, tokenReview, healthListen, httpListen }),
  };
}

function tlsOf({ tlsCert, tlsKey, tlsClientCa }: DaemonFlags): RawDaemonConfig['tls'] | undefined {
  if (tlsCert !== undefined && tlsKey !== undefined && tlsClientCa !== undefined) {
    return { certificate: tlsCert, key: tlsKey, clientCa: tlsClientCa };
  }
  if (tlsCert === undefined && tlsKey === undefined && tlsClientCa === undefined) return undefined;
  throw new ChaosError('INVALID_ARGUMENT', 'mutual TLS needs all of --tls-cert, --tls-key and --tls-client-ca');
}

function tokenReviewOf(flags: DaemonFlags): RawDaemonConfig['tokenReview'] | undefined {
  const { tokenServiceAccount: serviceAccount, tokenAudience: audience, apiServer, apiCredentials } = flags;
  if (serviceAccount === undefined) {
    // An audience for tokens without a check of tokens is a mistake of the administrator.
    if (audience === undefined) return undefined;
    throw new ChaosError('INVALID_ARGUMENT', '--token-audience needs --token-service-account');
  }
  return {
    serviceAccount,
    ...defined({ audience, apiServer, credentials: apiCredentials }),
  };
}
