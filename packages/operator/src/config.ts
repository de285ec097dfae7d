/** The operator's settings: raw values in, defaults and all problems at once, a frozen result out. */
import { invalidArgument, listenAddress, toMilliseconds } from '@chaosplane/common';
import * as z from 'zod';

const duration = z.string().transform(toMilliseconds);

const schema = z.strictObject({
  /** Where the operator, its daemons and their Service live. */
  namespace: z.string().min(1),
  /** Who this replica is in the election: the name of its pod. */
  identity: z.string().min(1),
  /** The Service without a selector under which each daemon has its name. */
  daemonService: z.string().min(1).default('chaosplane-daemon'),
  /** Labels of the daemons' pods. */
  daemonSelector: z.string().min(1).default('app.kubernetes.io/name=chaosplane,app.kubernetes.io/component=daemon'),
  daemonPort: z.coerce.number().int().min(1).max(65_535).default(50_051),
  clusterDomain: z.string().min(1).default('cluster.local'),
  tlsCertificate: z.string().min(1),
  tlsKey: z.string().min(1),
  /** Who signs the daemons. */
  tlsCa: z.string().min(1),
  tokenFile: z.string().min(1),
  /** /healthz, /readyz, /metrics. */
  httpListen: listenAddress.exactOptional(),
  /** Where the webhook answers the API server; absent: there is none. */
  webhookListen: listenAddress.exactOptional(),
  webhookCertificate: z.string().min(1).exactOptional(),
  webhookKey: z.string().min(1).exactOptional(),
  /** The MutatingWebhookConfiguration that is told whose certificate that is. */
  webhookConfiguration: z.string().min(1).default('chaosplane'),
  /** The address of its node: the kubelet's probes come from there, or from the pod's gateway. */
  nodeAddress: z.string().min(1).exactOptional(),
  /** Only experiments of this namespace are reconciled; absent: those of all. */
  watchNamespace: z.string().min(1).exactOptional(),
  leaseName: z.string().min(1).default('chaosplane-operator'),
  /** How long another replica waits for the leader; the two others are parts of it. */
  leaderLease: duration.prefault('15s'),
  /** How long the daemons keep what this operator asked for without hearing of it. */
  daemonLease: duration.prefault('120s'),
  /** How often the daemons hear of it. */
  renewEvery: duration.prefault('20s'),
  /** Whether probes may ask loopback and link-local addresses, which are this pod's own, its node's and its cloud's. */
  allowLocalProbes: z.boolean().default(false),
  /** Namespaces whose pods are never hit, separated by commas; absent: kube-system and the operator's own. */
  protectedNamespaces: z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((name) => name.trim())
        .filter(Boolean),
    )
    .exactOptional(),
  /** Experiments that are worked on at the same time. */
  workers: z.coerce.number().int().min(1).max(1000).default(16),
  /** Experiments of one namespace that may be under way at the same time; one more is refused. */
  experimentsPerNamespace: z.coerce.number().int().min(1).default(100),
});

/** Settings as they come from flags. */
export type RawOperatorConfig = z.input<typeof schema>;

/** Settings that can be relied on; durations in milliseconds. */
export type OperatorConfig = Readonly<z.output<typeof schema>>;

/** @throws ChaosError INVALID_ARGUMENT naming every setting that is wrong. */
export function parseConfig(raw: RawOperatorConfig): OperatorConfig {
  const result = schema.safeParse(raw);
  const problems = (result.error?.issues ?? []).map((issue) => ({
    path: issue.path.join('.') || 'settings',
    wrong: issue.message,
    allowed: 'see operator run --help',
  }));
  if (result.data !== undefined && result.data.renewEvery * 2 > result.data.daemonLease) {
    const wrong = 'one renewal that fails would end every fault';
    problems.push({ path: 'renewEvery', wrong, allowed: 'at most half of daemonLease' });
  }
  const { webhookListen, webhookCertificate, webhookKey } = result.data ?? {};
  if (webhookListen !== undefined && (webhookCertificate === undefined || webhookKey === undefined)) {
    const wrong = 'the webhook has no certificate, or no key to it';
    problems.push({ path: 'webhookListen', wrong, allowed: 'with webhookCertificate and webhookKey' });
  }
  if (problems.length > 0 || result.data === undefined)
    throw invalidArgument('the configuration of the operator', problems);
  return Object.freeze(result.data);
}
