#!/usr/bin/env node
/** The operator's program: `run`, and what the chart's hooks call. */
import { hostname } from 'node:os';
import { asChaosError, createLogger, parseDuration, serveHttp, systemClock, type LogLevel } from '@chaosplane/common';
import { createKubeClient, loadCluster } from '@chaosplane/kube';
import { Command, Option } from 'commander';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { daemonDomain, daemonTarget } from './daemons/address.ts';
import { loadCredentials } from './daemons/credentials.ts';
import { connectDaemons } from './daemons/daemons.ts';
import { ensureCertificates, type CertificateNames } from './certificates/index.ts';
import { parseConfig, type RawOperatorConfig } from './config.ts';
import { runOperator } from './operator.ts';
import { uninstall } from './uninstall.ts';

const USER_AGENT = 'chaosplane-operator';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(new Error(`got ${signal}`)));

const kubeconfig = new Option('--kubeconfig <file>', 'instead of the service account of the pod');
const logLevel = new Option('--log-level <level>', 'what is logged')
  .choices(['trace', 'debug', 'info', 'warn', 'error'])
  .default('info');

interface CommonFlags {
  readonly kubeconfig?: string;
  readonly logLevel: LogLevel;
}

function connect({ kubeconfig: path, logLevel: level }: CommonFlags) {
  const logger = createLogger({ level });
  const client = createKubeClient(loadCluster(path === undefined ? {} : { kubeconfig: path }), {
    logger,
    userAgent: USER_AGENT,
  });
  return { logger, client, clock: systemClock };
}

async function run({ kubeconfig: path, logLevel: level, ...flags }: CommonFlags & RawOperatorConfig): Promise<number> {
  const config = parseConfig(flags);
  const { logger, client, clock } = connect({ ...(path === undefined ? {} : { kubeconfig: path }), logLevel: level });
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const http =
    config.httpListen === undefined
      ? undefined
      : await serveHttp(config.httpListen, { notReady: () => undefined, metrics: registry });
  const { channel } = await loadCredentials(
    { certificate: config.tlsCertificate, key: config.tlsKey, ca: config.tlsCa, token: config.tokenFile },
    clock,
  );
  const domain = daemonDomain({
    service: config.daemonService,
    namespace: config.namespace,
    clusterDomain: config.clusterDomain,
  });
  const nameOf = (label: string): string => `${label}.${domain}`;
  const targetOf = (label: string, podIp: string | undefined): string =>
    daemonTarget(nameOf(label), config.daemonPort, podIp);
  const daemons = connectDaemons({ credentials: channel, nameOf, targetOf });
  const end = await runOperator(config, { client, daemons, logger, clock }, stop.signal);
  daemons.close();
  await http?.close();
  logger.info({ end }, 'operator stopped');
  return end === 'stopped' ? 0 : 1;
}

const program = new Command('operator').description('Reconciles the chaos experiments of a cluster.');
program
  .command('run')
  .description('Waits for the lead, then works until it is told to stop or another replica leads.')
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
  .option('--watch-namespace <name>', 'reconcile the experiments of this namespace only')
  .option('--lease-name <name>', 'the Lease of the election')
  .option('--leader-lease <duration>', 'how long another replica waits for the leader')
  .option('--daemon-lease <duration>', 'how long the daemons keep what was asked for without hearing of the operator')
  .option('--renew-every <duration>', 'how often the daemons hear of it')
  .option('--workers <count>', 'experiments that are worked on at the same time')
  .addOption(kubeconfig)
  .addOption(logLevel)
  .action(async (flags: CommonFlags & RawOperatorConfig) => done(await run(flags)));

program
  .command('certificates')
  .description('The certificates with which the operator and the daemons know each other.')
  .command('ensure')
  .description('Creates what is missing and replaces what cannot stay; what is there and good is never touched.')
  .requiredOption('--namespace <name>', "the operator's own namespace")
  .option('--cluster-domain <domain>', 'the domain of cluster DNS', 'cluster.local')
  .option('--daemon-service <name>', 'the Service under which each daemon has its name', 'chaosplane-daemon')
  .option('--operator-name <name>', 'the name in the certificate of the operator', 'chaosplane-operator')
  .addOption(kubeconfig)
  .addOption(logLevel)
  .action(async (flags: CommonFlags & CertificateNames) => {
    await ensureCertificates({ ...connect(flags), signal: stop.signal }, flags);
    done(0);
  });

program
  .command('uninstall')
  .description('Ends and recovers every experiment, within a time; then removes what the hooks have made.')
  .requiredOption('--namespace <name>', "the operator's own namespace")
  .option('--timeout <duration>', 'how long it may take', '120s')
  .option('--lease-name <name>', 'the Lease of the election', 'chaosplane-operator')
  .addOption(kubeconfig)
  .addOption(logLevel)
  .action(async (flags: CommonFlags & { namespace: string; timeout: string; leaseName: string }) => {
    const timeout = parseDuration(flags.timeout);
    if (!timeout.ok) program.error(`error: --timeout: ${timeout.wrong}; allowed: ${timeout.allowed}`, { exitCode: 2 });
    const { namespace, leaseName } = flags;
    const options = { namespace, leaseName, timeoutMs: timeout.ok ? timeout.value : 0 };
    await uninstall(options, connect(flags), stop.signal);
    done(0);
  });

/** Connections and timers of libraries would keep the process alive. */
function done(code: number): never {
  process.exit(code);
}

program.parseAsync().catch((error: unknown) => {
  createLogger().fatal({ error: asChaosError(error) }, 'operator ended');
  process.exit(2);
});
