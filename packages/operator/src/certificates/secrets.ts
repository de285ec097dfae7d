/** The Secrets of an installation: what they are called, what their certificates name, and their keys. Pure. */
import { secrets, type Secret } from '@chaosplane/kube';
import type { Pair, Purpose } from './issue.ts';

/** What an installation is called; its certificates follow from that. */
export interface CertificateNames {
  readonly namespace: string;
  /** `cluster.local` in most clusters. */
  readonly clusterDomain: string;
  /** The headless Service of the daemons. */
  readonly daemonService: string;
  readonly operatorName: string;
  /** The Service of the webhook; absent: it has no certificate. */
  readonly webhookService?: string;
}

/** One leaf. */
export interface Leaf {
  readonly secret: string;
  readonly purpose: Purpose;
  readonly commonName: string;
  readonly dnsNames: readonly string[];
}

/** The authority's Secret, which no pod mounts. */
export const AUTHORITY_SECRET = 'chaosplane-ca';

/** The leaves: a name per daemon would be one certificate per node, so theirs is a wildcard below their Service. */
export function leavesOf({
  namespace,
  clusterDomain,
  daemonService,
  operatorName,
  webhookService,
}: CertificateNames): readonly Leaf[] {
  const service = `${daemonService}.${namespace}.svc`;
  return [
    {
      secret: 'chaosplane-daemon-tls',
      purpose: 'server',
      commonName: 'chaosplane-daemon',
      dnsNames: [`*.${service}.${clusterDomain}`, `*.${service}`],
    },
    {
      secret: 'chaosplane-operator-tls',
      purpose: 'client',
      commonName: 'chaosplane-operator',
      dnsNames: [`${operatorName}.${namespace}.svc`],
    },
    ...(webhookService === undefined
      ? []
      : [
          {
            secret: 'chaosplane-webhook-tls',
            purpose: 'server',
            commonName: 'chaosplane-webhook',
            dnsNames: [`${webhookService}.${namespace}.svc`],
          } as const,
        ]),
  ];
}

/** The names of all Secrets: those of the hooks' rights in the chart. */
export const secretNames = [
  AUTHORITY_SECRET,
  'chaosplane-daemon-tls',
  'chaosplane-operator-tls',
  'chaosplane-webhook-tls',
] as const;

/** The Secret of a pair, and beside it the authorities that its readers trust, PEM. */
export function secretOf(name: string, namespace: string, pair: Pair, trusted: string): Secret {
  const text = { 'tls.crt': pair.certificate, 'tls.key': pair.key, 'ca.crt': trusted };
  const labels = { 'app.kubernetes.io/name': 'chaosplane', 'app.kubernetes.io/component': 'certificates' };
  return {
    apiVersion: secrets.apiVersion,
    kind: secrets.kind,
    metadata: { name, namespace, labels },
    type: 'kubernetes.io/tls',
    data: Object.fromEntries(Object.entries(text).map(([key, value]) => [key, encode(value)])),
  };
}

/** What a Secret holds; absent keys are empty, and will be found unreadable. */
export function pairOf({ data = {} }: Secret): Pair {
  return { certificate: decode(data['tls.crt']), key: decode(data['tls.key']) };
}

/** The authorities that the Secret of a leaf tells its readers to trust, PEM. */
export function trustedBy({ data = {} }: Secret): string {
  return decode(data['ca.crt']);
}

/** Text as a Secret has it. */
export function encode(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** The text of a key of a Secret; empty when there is none. */
export function decode(base64 = ''): string {
  return Buffer.from(base64, 'base64').toString();
}
