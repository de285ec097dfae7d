/** The daemon's settings: raw values in, defaults and all problems at once, a frozen result out. */
import { invalidArgument, listenAddress, toMilliseconds } from '@chaosplane/common';
import * as z from 'zod';

const duration = z
  .union([z.number(), z.string()])
  .transform((value, context) => (typeof value === 'number' ? value : toMilliseconds(value, context)));

const schema = z.strictObject({
  /** Unix socket of the gRPC service; its folder is made 0700. */
  socketPath: z.string().min(1).default('/run/chaosplane/daemon.sock'),
  /** Where the journal is kept. */
  stateDir: z.string().min(1).default('/var/lib/chaosplane'),
  nodeName: z.string().min(1),
  /** CRI socket, `unix:///…`; absent: looked for in the usual places. */
  runtimeEndpoint: z.string().min(1).exactOptional(),
  /** TTL of executions whose request gives none. */
  defaultTtlMs: duration.default(10 * 60_000),
  maxTtlMs: duration.default(24 * 3600_000),
  networkEngine: z.enum(['auto', 'netem', 'tap', 'queue']).default('auto'),
  networkHooks: z.enum(['auto', 'netdev', 'inet']).default('auto'),
  /** Whether node-restart may restart this node. */
  allowNodeRestart: z.boolean().default(false),
  /** gRPC over TCP, with mutual TLS only. */
  listen: listenAddress.exactOptional(),
  tls: z.strictObject({ certificate: z.string(), key: z.string(), clientCa: z.string() }).exactOptional(),
  /** The DNS name that the certificate of a client must carry; another one of the same authority is refused. */
  clientName: z
    .string()
    .regex(/^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,251}[a-zA-Z0-9])?$/, 'not a DNS name')
    .exactOptional(),
  /** Whose token clients over TCP must bring besides their certificate, and who reviews it. Absent: none is asked for. */
  tokenReview: z
    .strictObject({
      /** The user name of the one account that may command this daemon. */
      serviceAccount: z
        .string()
        .regex(/^system:serviceaccount:[a-z0-9-]+:[a-z0-9.-]+$/, 'allowed: system:serviceaccount:NAMESPACE:NAME'),
      /** The audience of the token: one for the API server itself is not accepted. */
      audience: z.string().min(1).default('chaosplane-daemon'),
      apiServer: z.url({ protocol: /^https$/ }).default('https://kubernetes.default.svc'),
      /** Folder of `token` and `ca.crt`, by which the daemon speaks to the API server. */
      credentials: z.string().min(1).default('/var/run/secrets/kubernetes.io/serviceaccount'),
    })
    .exactOptional(),
  /** `grpc.health.v1` alone, plaintext, for the kubelet. */
  healthListen: listenAddress.exactOptional(),
  /** /healthz, /readyz, /metrics. */
  httpListen: listenAddress.exactOptional(),
  /** What happens to active executions when the daemon is told to stop. */
  onStop: z.enum(['keep', 'undo']).default('keep'),
});

/** Settings as they come from flags and environment. */
export type RawDaemonConfig = z.input<typeof schema>;

/** Settings that can be relied on. */
export type DaemonConfig = Readonly<z.output<typeof schema>>;

/** @throws ChaosError INVALID_ARGUMENT naming every setting that is wrong. */
export function parseConfig(raw: RawDaemonConfig): DaemonConfig {
  const result = schema.safeParse(raw);
  const problems = (result.error?.issues ?? []).map((issue) => ({
    path: issue.path.join('.') || 'settings',
    wrong: issue.message,
    allowed: 'see chaosplane daemon --help',
  }));
  if (result.data?.listen !== undefined && result.data.tls === undefined) {
    const wrong = 'the daemon never listens on TCP without mutual TLS';
    const allowed = 'together with the certificate, the key and the CA of the clients';
    problems.push({ path: 'listen', wrong, allowed });
  }
  if (result.data?.listen !== undefined && result.data.clientName === undefined) {
    const wrong = 'the daemon never listens on TCP to every client with a certificate of that CA';
    problems.push({ path: 'clientName', wrong, allowed: 'the DNS name in the certificate of the operator' });
  }
  if (problems.length > 0 || result.data === undefined)
    throw invalidArgument('the configuration of the daemon', problems);
  return Object.freeze(result.data);
}
