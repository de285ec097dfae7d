/** The daemon's certificate and its clients' authority, read again when their files change; without a restart. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { asChaosError, ChaosError, type Clock, type Logger } from '@chaosplane/common';
import { experimental, type ServerCredentials } from '@grpc/grpc-js';

/** Files of the daemon's identity, PEM. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
  /** Who signs the clients. */
  readonly clientCa: string;
}

/** Credentials of a server that follow their files. */
export interface ReloadedCredentials {
  readonly credentials: ServerCredentials;
  /** Stops looking at the files. */
  stop(): void;
}

/** What the files hold. */
interface Identity {
  readonly certificate: Buffer;
  readonly privateKey: Buffer;
  readonly caCertificate: Buffer;
}

/** How often the files are looked at. A kubelet itself takes up to a minute to bring a changed secret. */
const REFRESH_MS = 5000;

/**
 * Mutual TLS: a client without a certificate of the authority does not get through the handshake. Connections that are open
 * stay when the files change; new ones see the new certificates. Files that do not fit together are not taken: either they
 * are being replaced at this moment, or an administrator made a mistake, and the old ones go on.
 * @throws ChaosError FAILED_PRECONDITION when they cannot be used at the start.
 */
export async function reloadedCredentials(
  files: TlsFiles,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Promise<ReloadedCredentials> {
  let identity = await readIdentity(files);
  const provider = new Provider(() => identity);
  let refused: string | undefined;
  const look = async (): Promise<void> => {
    try {
      const found = await readIdentity(files);
      refused = undefined;
      if (equal(found, identity)) return;
      identity = found;
      provider.announce();
      const { fingerprint256, validTo } = new X509Certificate(found.certificate);
      logger.info({ certificate: fingerprint256, validTo }, 'certificates reloaded');
    } catch (error) {
      const { message } = asChaosError(error);
      if (message !== refused) logger.warn({ err: error }, 'changed certificates not taken');
      refused = message;
    }
  };
  let timer = clock.after(REFRESH_MS, again);
  let stopped = false;
  function again(): void {
    void look().then(() => {
      if (!stopped) timer = clock.after(REFRESH_MS, again);
    });
  }
  return {
    credentials: experimental.createCertificateProviderServerCredentials(provider, provider, true),
    stop() {
      stopped = true;
      timer.cancel();
    },
  };
}

async function readIdentity(files: TlsFiles): Promise<Identity> {
  try {
    const [certificate, privateKey, caCertificate] = await Promise.all([
      readFile(files.certificate),
      readFile(files.key),
      readFile(files.clientCa),
    ]);
    // Throws when the key is not the certificate's, and when one of them is none.
    createSecureContext({ cert: certificate, key: privateKey, ca: caCertificate });
    return { certificate, privateKey, caCertificate };
  } catch (cause) {
    const message = `the TLS files cannot be used: ${asChaosError(cause).message}`;
    throw new ChaosError('FAILED_PRECONDITION', message, { cause });
  }
}

function equal(a: Identity, b: Identity): boolean {
  return (
    a.certificate.equals(b.certificate) && a.privateKey.equals(b.privateKey) && a.caCertificate.equals(b.caCertificate)
  );
}

type CertificateProvider = experimental.CertificateProvider;
type CaListener = Parameters<CertificateProvider['addCaCertificateListener']>[0];
type IdentityListener = Parameters<CertificateProvider['addIdentityCertificateListener']>[0];

/** What grpc-js asks for certificates. Its own watcher drops the identity while a file is missing: a restart of the network. */
class Provider implements CertificateProvider {
  readonly #identity: () => Identity;
  readonly #caListeners = new Set<CaListener>();
  readonly #identityListeners = new Set<IdentityListener>();

  constructor(identity: () => Identity) {
    this.#identity = identity;
  }

  announce(): void {
    for (const listener of this.#caListeners) listener(this.#identity());
    for (const listener of this.#identityListeners) listener(this.#identity());
  }

  addCaCertificateListener(listener: CaListener): void {
    this.#caListeners.add(listener);
    // The server is not yet listening to its credentials when they register here.
    process.nextTick(() => listener(this.#identity()));
  }

  removeCaCertificateListener(listener: CaListener): void {
    this.#caListeners.delete(listener);
  }

  addIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.add(listener);
    process.nextTick(() => listener(this.#identity()));
  }

  removeIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.delete(listener);
  }
}
