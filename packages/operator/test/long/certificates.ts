/** Certificates of cert-manager in a cluster: what they became, and how one asks for them again. */
import { X509Certificate } from 'node:crypto';
import { secrets, type KubeClient, type Secret } from '@chaosplane/kube';
import type { Cluster } from '@chaosplane/testcluster';
import { SYSTEM } from '@chaosplane/testcluster/installation';
import { eventually } from '@chaosplane/testkit/eventually';
import { pairOf, secretNames } from '../../src/certificates/secrets.ts';

interface Condition {
  readonly type: string;
  readonly status: string;
}
interface CertificateStatus {
  readonly revision?: number;
  readonly conditions?: readonly Condition[];
}

/** How long cert-manager has on a busy machine. */
const patient = { withinMs: 120_000, everyMs: 500 } as const;

async function statusOf({ kubectl }: Cluster, name: string): Promise<CertificateStatus> {
  const printed = await kubectl(['get', 'certificate', name, '-n', SYSTEM, '-o', 'json']);
  return (JSON.parse(printed) as { readonly status?: CertificateStatus }).status ?? {};
}

/** Resolves when cert-manager says that they are good, and has issued each of them so many times at least: none for one that it took over. */
export async function untilIssued(cluster: Cluster, names: readonly string[], least = 0): Promise<void> {
  for (const name of names)
    await eventually(
      `the Certificate ${name}`,
      async () => {
        const { revision = 0, conditions = [] } = await statusOf(cluster, name);
        const isReady = conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
        return isReady && revision >= least && conditions.every(({ type }) => type !== 'Issuing');
      },
      patient,
    );
}

/** As `cmctl renew` does: with a condition of the status. Resolves when all are issued again. */
export async function renew(cluster: Cluster, ...names: readonly string[]): Promise<void> {
  const revisions = new Map<string, number>();
  for (const name of names) {
    const { revision = 0, conditions = [] } = await statusOf(cluster, name);
    revisions.set(name, revision);
    const issuing = {
      ...{ type: 'Issuing', status: 'True', reason: 'ManuallyTriggered', message: 'by the test' },
      lastTransitionTime: new Date().toISOString().replace(/\.\d+/, ''),
    };
    const patch = JSON.stringify({ status: { conditions: [...conditions, issuing] } });
    const argv = ['patch', 'certificate', name, '-n', SYSTEM, '--subresource=status', '--type=merge', '-p', patch];
    await cluster.kubectl(argv);
  }
  for (const [name, revision] of revisions) await untilIssued(cluster, [name], revision + 1);
}

/** A Secret of the installation. */
export async function secretNamed(client: KubeClient, name: string): Promise<Secret> {
  const found = await client.get(secrets, { name, namespace: SYSTEM });
  if (found === undefined) throw new Error(`there is no Secret ${name}`);
  return found;
}

/** The serial number of the certificate in a Secret. */
export async function serialOf(client: KubeClient, name: string): Promise<string> {
  const { certificate } = pairOf(await secretNamed(client, name));
  return new X509Certificate(certificate).serialNumber;
}

/** The serial numbers of all certificates of the installation, by their Secrets. */
export async function serials(client: KubeClient): Promise<Readonly<Record<string, string>>> {
  const found = secretNames.map(async (name) => [name, await serialOf(client, name)] as const);
  return Object.fromEntries(await Promise.all(found));
}

/** Has cert-manager make a certificate beside those of the chart; resolves when it is there. */
export async function ask(
  cluster: Cluster,
  name: string,
  { issuer, dnsName, usage }: { readonly issuer: string; readonly dnsName: string; readonly usage: string },
): Promise<void> {
  const certificate = {
    ...{ apiVersion: 'cert-manager.io/v1', kind: 'Certificate', metadata: { name, namespace: SYSTEM } },
    spec: {
      ...{ secretName: name, dnsNames: [dnsName], usages: ['digital signature', usage] },
      privateKey: { algorithm: 'ECDSA', size: 256, encoding: 'PKCS8', rotationPolicy: 'Always' },
      issuerRef: { group: 'cert-manager.io', kind: 'Issuer', name: issuer },
    },
  };
  await cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify(certificate) });
  await untilIssued(cluster, [name]);
}
