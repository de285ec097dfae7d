/** What the chart renders for cert-manager, as objects. */
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { ApiServerFixture } from './stage.ts';

const CHART = join(import.meta.dirname, '../../../../charts/chaosplane');

export const NAMESPACE = 'cert-manager-on-stage';

/** A Certificate of cert-manager. */
export interface CertificateObject {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly isCA?: boolean;
    readonly secretName: string;
    readonly commonName: string;
    readonly dnsNames?: readonly string[];
    readonly usages: readonly string[];
  };
}

/** The whole chart, in NAMESPACE. */
export const renderWithCertManager = ({ cluster }: ApiServerFixture, ...set: readonly string[]): Promise<string> =>
  cluster.helm([
    ...['template', 'chaosplane', CHART, '-n', NAMESPACE],
    ...['certManager.enabled=true', ...set].flatMap((each) => ['--set', each]),
  ]);

/** By their names: the authority is the first. */
export const certificatesOf = (rendered: string): readonly CertificateObject[] =>
  parseAllDocuments(rendered)
    .flatMap((document) => (document.toJS() as CertificateObject | null) ?? [])
    .filter(({ kind }) => kind === 'Certificate')
    .sort((one, other) => (one.metadata.name < other.metadata.name ? -1 : 1));
