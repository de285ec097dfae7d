/** A cluster's own certificate authority, and the certificates and kubeconfigs that it signs. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';

/** Who a certificate is for. */
export interface Subject {
  /** Files `pki/NAME.crt` and `pki/NAME.key`. */
  readonly file: string;
  readonly commonName: string;
  /** The group, as Kubernetes reads it. */
  readonly organization?: string;
  /** Names and addresses of a server. */
  readonly names?: readonly string[];
}

/** A new key and a certificate for it, valid for a year. */
async function openssl(folder: string, file: string, subject: string, ...more: readonly string[]): Promise<void> {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${file}.key`];
  const argv = ['req', '-x509', ...key, '-out', `${file}.crt`, '-days', '365', '-subj', subject, ...more];
  await execa('openssl', argv, { cwd: join(folder, 'pki') });
}

/** Makes `pki/ca.crt`, `pki/ca.key` and the key that signs service account tokens, `pki/sa.key`. */
export async function makeAuthority(folder: string): Promise<void> {
  await openssl(folder, 'ca', '/CN=chaosplane-test-cluster', '-addext', 'keyUsage=critical,keyCertSign,cRLSign');
  await openssl(folder, 'sa', '/CN=service-accounts');
}

/** Makes a certificate for a client or a server, and its key. */
export async function makeCertificate(folder: string, subject: Subject): Promise<void> {
  const { file, commonName, organization, names = [] } = subject;
  const who = `${organization === undefined ? '' : `/O=${organization}`}/CN=${commonName}`;
  const alternatives = names.map((name) => `${/^[\d.]+$/.test(name) ? 'IP' : 'DNS'}:${name}`);
  const extensions = [
    'basicConstraints=critical,CA:FALSE',
    'keyUsage=critical,digitalSignature',
    'extendedKeyUsage=clientAuth,serverAuth',
    ...(alternatives.length === 0 ? [] : [`subjectAltName=${alternatives.join(',')}`]),
  ];
  const signer = ['-CA', 'ca.crt', '-CAkey', 'ca.key'];
  await openssl(folder, file, who, ...signer, ...extensions.flatMap((extension) => ['-addext', extension]));
}

/** Writes a kubeconfig for the holder of `pki/FILE.crt`, complete in itself. Returns its path. */
export async function writeKubeconfig(folder: string, file: string, server: string, name: string): Promise<string> {
  const data = async (path: string): Promise<string> => (await readFile(join(folder, 'pki', path))).toString('base64');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'certificate-authority-data': await data('ca.crt') } }],
    users: [
      {
        name: file,
        user: { 'client-certificate-data': await data(`${file}.crt`), 'client-key-data': await data(`${file}.key`) },
      },
    ],
    contexts: [{ name, context: { cluster: name, user: file } }],
    'current-context': name,
  };
  const path = join(folder, `${file}.kubeconfig`);
  await writeFile(path, JSON.stringify(config, undefined, 2), { mode: 0o600 });
  return path;
}
