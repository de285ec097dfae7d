/** Whether a certificate that is there can stay. Pure. */
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { purposes, type Pair, type Purpose } from './issue.ts';

/** What a leaf must be. */
export interface LeafRequirement {
  readonly purpose: Purpose;
  readonly dnsNames: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** A leaf that ends sooner than this is replaced. Milliseconds. */
  readonly renewBeforeMs: number;
}

/** Why the authority cannot sign; undefined when it can. */
export function authorityFault({ certificate, key }: Pair, now: number): string | undefined {
  const read = readPair(certificate, key);
  if (typeof read === 'string') return read;
  if (!read.ca) return 'it is not the certificate of an authority';
  return read.validToDate.getTime() <= now ? `it has ended ${read.validToDate.toISOString()}` : undefined;
}

/** Why a leaf must be replaced; undefined when it can stay. */
export function leafFault({ certificate, key }: Pair, authority: Pair, wanted: LeafRequirement): string | undefined {
  const read = readPair(certificate, key);
  if (typeof read === 'string') return read;
  const issuer = new X509Certificate(authority.certificate);
  // The name alone would match: every authority of ChaosPlane has the same one.
  if (!read.checkIssued(issuer) || !read.verify(issuer.publicKey)) return 'it is not signed by the authority';
  const usages = read.keyUsage as readonly string[] | undefined;
  if (usages?.length !== 1 || usages[0] !== purposes[wanted.purpose]) return `it is not for ${wanted.purpose}s alone`;
  if (namesOf(read).join() !== wanted.dnsNames.toSorted().join()) return 'it has other DNS names';
  const left = read.validToDate.getTime() - wanted.now;
  if (left <= 0) return `it has ended ${read.validToDate.toISOString()}`;
  // One that was cut short by its authority would not get longer by being issued again.
  const same = read.validToDate.getTime() === issuer.validToDate.getTime();
  return left < wanted.renewBeforeMs && !same ? `it ends ${read.validToDate.toISOString()}` : undefined;
}

function readPair(certificate: string, key: string): X509Certificate | string {
  try {
    const read = new X509Certificate(certificate);
    const own = createPublicKey(createPrivateKey(key)).export({ type: 'spki', format: 'pem' });
    const said = read.publicKey.export({ type: 'spki', format: 'pem' });
    return own === said ? read : 'its key is another one';
  } catch {
    return 'it cannot be read';
  }
}

function namesOf({ subjectAltName = '' }: X509Certificate): string[] {
  return subjectAltName
    .split(', ')
    .map((name) => name.replace(/^DNS:/, ''))
    .toSorted();
}
