/** The operators of a stage: real ones, which run in the test's own process. */
import { defined, type Logger } from '@chaosplane/common';
import type { KubeClient } from '@chaosplane/kube';
import { parseConfig, type OperatorConfig } from '../../src/config.ts';
import type { Daemons } from '../../src/daemons/daemons.ts';
import { createOperatorMetrics } from '../../src/metrics.ts';
import { runOperator } from '../../src/operator.ts';
import { createReadiness } from '../../src/readiness.ts';

/** One operator that was started. */
export interface StagedOperator {
  readonly ended: Promise<void>;
  /** As SIGTERM. */
  stop(): Promise<void>;
  /** Why it does not serve; undefined when it does. */
  notReady(): string | undefined;
  /** Its page /metrics, without comments: the value by the name with its labels. */
  metrics(): Promise<ReadonlyMap<string, number>>;
}

/** How an operator of a stage differs from a usual one. */
export interface OperatorOptions {
  readonly identity?: string;
  /** Nothing that it asks for is answered any more, so `close` does not wait for its end. */
  readonly doomed?: boolean;
  readonly client?: KubeClient;
  readonly daemons?: Daemons;
  readonly logger?: Logger;
  readonly leaseName?: string;
  readonly experimentsPerNamespace?: number;
  /** Its own namespace is protected as usual. Default: it is not, because the pods of a stage are there. */
  readonly protectsOwn?: boolean;
  /** Not those of the stage's namespace alone. */
  readonly everywhere?: boolean;
  readonly leaderLease?: string;
  readonly daemonLease?: string;
  readonly renewEvery?: string;
}

/** Where a certificate and its key are. */
export interface Identity {
  readonly certificate: string;
  readonly key: string;
}

/** What proves who a daemon, an operator or a caller is, as files. */
export interface IdentityFiles {
  readonly server: Identity;
  readonly operator: Identity;
  readonly ca: string;
  readonly token: string;
}

export function operatorConfig(
  namespace: string,
  { certificate, key, ca, token }: Identity & Pick<IdentityFiles, 'ca' | 'token'>,
  options: OperatorOptions & { readonly identity: string },
): OperatorConfig {
  const { leaderLease = '15s', daemonLease = '120s', renewEvery = '20s' } = options;
  const { identity, leaseName, experimentsPerNamespace } = options;
  return parseConfig({
    namespace,
    identity,
    ...(options.everywhere === true ? {} : { watchNamespace: namespace }),
    ...(options.protectsOwn === true ? {} : { protectedNamespaces: 'kube-system' }),
    ...defined({ leaseName, experimentsPerNamespace }),
    tlsCertificate: certificate,
    tlsKey: key,
    tlsCa: ca,
    tokenFile: token,
    leaderLease,
    daemonLease,
    renewEvery,
    // What probes ask here listens on this machine.
    allowLocalProbes: true,
  });
}

/** Runs an operator until it is stopped. */
export function startStaged(
  config: OperatorConfig,
  connect: () => Promise<Daemons>,
  { client, logger }: { readonly client: KubeClient; readonly logger: Logger },
): StagedOperator {
  const controller = new AbortController();
  const readiness = createReadiness();
  const metrics = createOperatorMetrics();
  const ended = (async () => {
    const daemons = await connect();
    return runOperator(config, { client, daemons, logger, readiness, metrics }, controller.signal);
  })();
  ended.catch(() => undefined);
  return {
    ended,
    stop() {
      controller.abort(new Error('stopped by the test'));
      return ended;
    },
    notReady: readiness.notReady,
    async metrics() {
      const lines = (await metrics.registry.metrics()).split('\n').filter((line) => /^[^#]/.test(line));
      return new Map(
        lines.map((line) => {
          const at = line.lastIndexOf(' ');
          return [line.slice(0, at), Number(line.slice(at))];
        }),
      );
    },
  };
}

/** Tells it to stop, and waits for nothing. */
export function abandon(stop: () => Promise<void>): () => Promise<void> {
  return async () => {
    void stop();
  };
}
