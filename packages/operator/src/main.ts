#!/usr/bin/env node
/** The operator's program: `run`, and what the chart's hooks call, which is loaded only by who calls it. */
import { hostname } from 'node:os';
import {
  apiServerOfPod,
  asChaosError,
  createLogger,
  defined,
  type HttpDoor,
  keepOwnMemorySmall,
  type Logger,
  type LogLevel,
  parseDuration,
  reportTurned,
  serveHttp,
  systemClock,
} from '@chaosplane/common';
import { createKubeClient, serviceAccountOfPod } from '@chaosplane/kube';
import { Command, Option } from 'commander';
import { daemonDomain, daemonTarget } from './daemons/address.ts';
import { loadCredentials } from './daemons/credentials.ts';
import { connectDaemons } from './daemons/daemons.ts';
import type { CertificateNames } from './certificates/index.ts';
import { parseConfig, type OperatorConfig, type RawOperatorConfig } from './config.ts';
import { kubeletAddresses } from './kubelet.ts';
import { createOperatorMetrics, type OperatorMetrics } from './metrics.ts';
import { runOperator } from './operator.ts';
import { createReadiness } from './readiness.ts';
import type { UninstallOptions } from './uninstall.ts';

const USER_AGENT = 'chaosplane-operator';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(new Error(`got ${signal}`)));

const kubeconfig = new Option('--kubeconfig <file>', 'instead of the service account of the pod');
const logLevel = new Option('--log-level <level>', 'what is logged')
  .choices(['trace', 'debug', 'info', 'warn', 'error'])
  .default('info');

interface UninstallFlags extends Pick<
  UninstallOptions,
  'namespace' | 'roleName' | 'keepCertificates' | 'removeDefinitions'
> {
  readonly timeout: string;
}

interface CommonFlags {
  readonly kubeconfig?: string;
  readonly logLevel: LogLevel;
}

async function connect({ kubeconfig, logLevel: level }: CommonFlags) {
  const logger = createLogger({ level });
  const account =
    kubeconfig === undefined ? serviceAccountOfPod({ apiServer: apiServerOfPod(process.env) }) : undefined;
  const cluster = account ?? (await import('./kubeconfig.ts')).loadCluster(defined({ kubeconfig }));
  return { logger, client: createKubeClient(cluster, { logger, userAgent: USER_AGENT }), clock: systemClock };
}

async function run({ kubeconfig: path, logLevel: level, ...flags }: CommonFlags & RawOperatorConfig): Promise<void> {
  const config = parseConfig(flags);
  const { logger, client, clock } = await connect({ ...defined({ kubeconfig: path }), logLevel: level });
  keepOwnMemorySmall(clock);
  const metrics = createOperatorMetrics();
  const readiness = createReadiness();
  const http =
    config.httpListen === undefined
      ? undefined
      : await serveHttp(
          config.httpListen,
          { notReady: readiness.notReady, metrics: metrics.registry },
          doorOf(config, metrics, logger),
        );
  const identity = await loadCredentials(
    { certificate: config.tlsCertificate, key: config.tlsKey, ca: config.tlsCa, token: config.tokenFile },
    { clock, logger },
  );
  const domain = daemonDomain({
    service: config.daemonService,
    namespace: config.namespace,
    clusterDomain: config.clusterDomain,
  });
  const nameOf = (label: string): string => `${label}.${domain}`;
  const targetOf = (label: string, podIp: string | undefined): string =>
    daemonTarget(nameOf(label), config.daemonPort, podIp);
  const daemons = connectDaemons({ credentials: identity.channel, generation: identity.generation, nameOf, targetOf });
  await runOperator(config, { client, daemons, logger, clock, readiness, metrics }, stop.signal);
  daemons.close();
  identity.stop();
  await http?.close();
  logger.info('operator stopped');
}

/** The door before the HTTP port: the probes of the kubelet do not compete with what strangers ask. */
function doorOf({ nodeAddress }: OperatorConfig, metrics: OperatorMetrics, logger: Logger): HttpDoor {
  const kubelet = kubeletAddresses(nodeAddress);
  return {
    clock: systemClock,
    standing: (address) => (kubelet.has(address) ? 'friend' : 'stranger'),
    onTurned: reportTurned('http', {
      clock: systemClock,
      logger,
      count: (port, reason) => metrics.countTurned(port, reason),
    }),
  };
}

const program = new Command('operator').description('Reconciles the chaos experiments of a cluster.');
program
  .command('run')
  .description('Works whenever it leads, until it is told to stop.')
  .requiredOption('--namespace <name>', "the operator's own namespace")
  .option('--identity <name>', 'who this replica is in the election', hostname())
  .option('--daemon-service <name>', 'the Service under which each daemon has its name')
  .option('--daemon-selector <labels>', "labels of the daemons' pods")
  .option('--daemon-port <port>', 'where the daemons listen')
  .option('--cluster-domain <domain>', 'the domain of cluster DNS')
  .requiredOption('--tls-certificate <file>', 'the certificate of the operator, PEM')
  .requiredOption('--tls-key <file>', 'its key')
  .requiredOption('--tls-ca <file>', 'who signs the daemons')
  .requiredOption('--token-file <file>', 'the projected token of the service account, for the daemons')
  .option('--http-listen <address>', '/healthz, /readyz and /metrics, for example :8081')
  .option('--webhook-listen <address>', 'where the API server asks about experiments and policies, for example :9443')
  .option('--webhook-certificate <file>', 'the certificate of that, PEM')
  .option('--webhook-key <file>', 'its key')
  .option('--webhook-configuration <name>', 'the MutatingWebhookConfiguration that is told who signs it')
  .option('--node-address <address>', 'of the node it runs on: from there the kubelet probes it')
  .option('--watch-namespace <name>', 'reconcile the experiments of this namespace only')
  .option('--protected-namespaces <names>', 'whose pods are never hit; by default kube-system and its own')
  .option('--lease-name <name>', 'the Lease of the election')
  .option('--leader-lease <duration>', 'how long another replica waits for the leader')
  .option('--daemon-lease <duration>', 'how long the daemons keep what was asked for without hearing of the operator')
  .option('--renew-every <duration>', 'how often the daemons hear of it')
  .option('--workers <count>', 'experiments that are worked on at the same time')
  .option(
    '--experiments-per-namespace <count>',
    'experiments of one namespace that may be under way; one more is refused',
  )
  .option('--allow-local-probes', 'let probes ask loopback, link-local and metadata addresses')
  .addOption(kubeconfig)
  .addOption(logLevel)
  .action(async (flags: CommonFlags & RawOperatorConfig) => {
    await run(flags);
    done(0);
  });

program
  .command('certificates')
  .description('The certificates with which the operator and the daemons know each other.')
  .command('ensure')
  .description('Creates what is missing and replaces what cannot stay; what is there and good is never touched.')
  .requiredOption('--namespace <name>', "the operator's own namespace")
  .option('--cluster-domain <domain>', 'the domain of cluster DNS', 'cluster.local')
  .option('--daemon-service <name>', 'the Service under which each daemon has its name', 'chaosplane-daemon')
  .option('--operator-name <name>', 'the name in the certificate of the operator', 'chaosplane-operator')
  .option('--webhook-service <name>', 'the Service of the webhook, which then has a certificate, too')
  .option(
    '--settle <duration>',
    'how long readers have for a changed Secret before the next step to another authority',
    '5m',
  )
  .addOption(kubeconfig)
  .addOption(logLevel)
  .action(async (flags: CommonFlags & CertificateNames & { settle: string }) => {
    const settleMs = durationOf('--settle', flags.settle);
    const { ensureCertificates } = await import('./certificates/index.ts');
    await ensureCertificates({ ...(await connect(flags)), signal: stop.signal }, flags, { settleMs });
    done(0);
  });

program
  .command('definitions')
  .description('The resource definitions of ChaosPlane.')
  .command('apply')
  .description('Writes them, takes no field away that the cluster knows, and waits until they are served.')
  .requiredOption('--folder <path>', 'where they are, each a file of JSON')
  .option('--timeout <duration>', 'how long the API server may take to serve them', '60s')
  .addOption(kubeconfig)
  .addOption(logLevel)
  .action(async (flags: CommonFlags & { folder: string; timeout: string }) => {
    const timeoutMs = durationOf('--timeout', flags.timeout);
    const { applyDefinitions, readDefinitions } = await import('./definitions/index.ts');
    const parts = { ...(await connect(flags)), signal: stop.signal };
    await applyDefinitions(await readDefinitions(flags.folder), parts, { timeoutMs });
    done(0);
  });

program
  .command('uninstall')
  .description(
    'Sets the kill switch, ends and recovers every experiment, within a time; then removes what the hooks have made.',
  )
  .requiredOption('--namespace <name>', "the operator's own namespace")
  .option('--timeout <duration>', 'how long it may take', '120s')
  .option('--role-name <name>', "the operator's ClusterRole, with which the kill switch goes", 'chaosplane-operator')
  .option('--keep-certificates', 'they are not those of the hooks')
  .option('--remove-definitions', 'the resource definitions as well, and so every object of ChaosPlane')
  .addOption(kubeconfig)
  .addOption(logLevel)
  .action(async (flags: CommonFlags & UninstallFlags) => {
    const { namespace, roleName, keepCertificates, removeDefinitions } = flags;
    const names = { namespace, roleName, ...defined({ keepCertificates, removeDefinitions }) };
    const options = { ...names, timeoutMs: durationOf('--timeout', flags.timeout) };
    const { uninstall } = await import('./uninstall.ts');
    await uninstall(options, await connect(flags), stop.signal);
    done(0);
  });

/** Ends the program when it is none. */
function durationOf(flag: string, text: string): number {
  const duration = parseDuration(text);
  if (duration.ok) return duration.value;
  return program.error(`error: ${flag}: ${duration.wrong}; allowed: ${duration.allowed}`, { exitCode: 2 });
}

/** Connections and timers of libraries would keep the process alive. */
function done(code: number): never {
  process.exit(code);
}

program.parseAsync().catch((error: unknown) => {
  createLogger().fatal({ error: asChaosError(error) }, 'operator ended');
  process.exit(2);
});
