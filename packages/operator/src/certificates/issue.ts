/** Makes certificates: the authority of an installation, the daemons' for servers only, the operator's for clients only. */
import { createPrivateKey, KeyObject, X509Certificate, type webcrypto } from 'node:crypto';
import type { Extension, X509Certificate as Certificate } from '@peculiar/x509';
import { x509 } from './x509.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

const DAY_MS = 24 * 3600_000;

/** How long the authority is valid: longer than any installation should go without a new one. */
export const AUTHORITY_LIFE_MS = 10 * 365 * DAY_MS;

/** How long the other two are valid unless it is said otherwise. */
export const LEAF_LIFE_MS = 365 * DAY_MS;

/** Certificates begin this long ago: the clocks of nodes are not all the same. */
const BACKDATED_MS = 10 * 60_000;

/** A certificate and its private key (PKCS #8), both PEM. */
export interface Pair {
  readonly certificate: string;
  readonly key: string;
}

/** What a leaf may be used for: the daemons answer, the operator asks, and never the other way round. */
export type Purpose = 'server' | 'client';

/** What a leaf names, and for how long. */
export interface LeafOptions {
  /** The subject, for people; no program checks it. */
  readonly commonName: string;
  /** The DNS names that the other side checks. */
  readonly dnsNames: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Default one year; never longer than the authority. Milliseconds. */
  readonly lifeMs?: number;
}

/** The OIDs of the key usages that tell servers from clients (RFC 5280, 4.2.1.12). */
export const purposes: Readonly<Record<Purpose, string>> = {
  server: x509.ExtendedKeyUsage.serverAuth,
  client: x509.ExtendedKeyUsage.clientAuth,
};

/** A new authority, with a key of its own. */
export async function createAuthority({ now }: { readonly now: number }): Promise<Pair> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=ChaosPlane',
    keys,
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(now - BACKDATED_MS),
    notAfter: new Date(now + AUTHORITY_LIFE_MS),
    extensions: [
      // Nothing below it may sign again.
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await ownIdentifier(keys),
    ],
  });
  return pairOf(certificate, keys);
}

/** A certificate for the daemons. */
export function issueServer(authority: Pair, options: LeafOptions): Promise<Pair> {
  return issue('server', authority, options);
}

/** A certificate for the operator. */
export function issueClient(authority: Pair, options: LeafOptions): Promise<Pair> {
  return issue('client', authority, options);
}

/** A certificate for one of the two. */
export async function issue(purpose: Purpose, authority: Pair, options: LeafOptions): Promise<Pair> {
  const { commonName, dnsNames, now, lifeMs = LEAF_LIFE_MS } = options;
  const keys = await newKeys();
  const issuer = new x509.X509Certificate(authority.certificate);
  const end = Math.min(now + lifeMs, new X509Certificate(authority.certificate).validToDate.getTime());
  const certificate = await x509.X509CertificateGenerator.create({
    subject: [{ CN: [commonName] }],
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey: createPrivateKey(authority.key).toCryptoKey(ALGORITHM, false, ['sign']),
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(now - BACKDATED_MS),
    notAfter: new Date(end),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([purposes[purpose]], true),
      new x509.SubjectAlternativeNameExtension(dnsNames.map((value) => ({ type: 'dns', value }))),
      await authorityIdentifier(issuer),
    ],
  });
  return pairOf(certificate, keys);
}

/** How long it is, in octets. */
const IDENTIFIER_LENGTH = 20;

/**
 * By SHA-256, as Go does from 1.25 on (RFC 7093, 2, method 1): cert-manager that takes an installation over keeps the key and makes the
 * certificate again, and what was signed under the one is good under the other.
 */
async function ownIdentifier({ publicKey }: webcrypto.CryptoKeyPair): Promise<Extension> {
  const key = await x509.PublicKey.create(publicKey);
  const digest = await key.getKeyIdentifier('SHA-256');
  return new x509.SubjectKeyIdentifierExtension(Buffer.from(digest).toString('hex', 0, IDENTIFIER_LENGTH));
}

/** As the authority names its own key: another program's may do so by another digest, and a leaf that names another key is not believed. */
async function authorityIdentifier(issuer: Certificate): Promise<Extension> {
  const own = issuer.getExtension(x509.SubjectKeyIdentifierExtension);
  if (own === null) return x509.AuthorityKeyIdentifierExtension.create(issuer);
  return new x509.AuthorityKeyIdentifierExtension(own.keyId);
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

function pairOf(certificate: Certificate, { privateKey }: webcrypto.CryptoKeyPair): Pair {
  const key = KeyObject.from(privateKey).export({ type: 'pkcs8', format: 'pem' });
  return { certificate: `${certificate.toString('pem')}\n`, key: key.toString() };
}
