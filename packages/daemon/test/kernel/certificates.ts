/** Certificates for one test run: an authority, and what it signs. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';

/** Files of one identity, PEM. */
export interface Identity {
  readonly certificate: string;
  readonly key: string;
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];

/** A self-signed authority. */
export async function createAuthority(folder: string, name: string): Promise<Identity> {
  return request(folder, name, ['-addext', 'keyUsage=critical,keyCertSign']);
}

/** The name in a certificate, and what it may be used for. */
export interface Names {
  /** Default localhost. */
  readonly dns?: string;
  /** Absent: the certificate does not say. */
  readonly usage?: 'serverAuth' | 'clientAuth';
}

/** Someone who was signed by the authority. */
export async function createIdentity(
  folder: string,
  name: string,
  authority: Identity,
  { dns = 'localhost', usage }: Names = {},
): Promise<Identity> {
  const extensions = [
    'basicConstraints=critical,CA:FALSE',
    `subjectAltName=DNS:${dns}`,
    ...(usage === undefined ? [] : [`extendedKeyUsage=${usage}`]),
  ];
  const signed = ['-CA', authority.certificate, '-CAkey', authority.key];
  return request(folder, name, [...signed, ...extensions.flatMap((extension) => ['-addext', extension])]);
}

async function request(folder: string, name: string, argv: readonly string[]): Promise<Identity> {
  const [certificate, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  const files = ['-keyout', key, '-out', certificate];
  await execa('openssl', ['req', '-x509', '-subj', `/CN=${name}`, ...NEW_KEY, ...files, ...argv]);
  return { certificate, key };
}

/** Both files as a client gives them. */
export async function read(identity: Identity): Promise<{ readonly certificate: Buffer; readonly key: Buffer }> {
  const [certificate, key] = await Promise.all([readFile(identity.certificate), readFile(identity.key)]);
  return { certificate, key };
}
