/** A certificate, its key and who is trusted, as files that are replaced while a program runs: read again, and taken as one. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { Clock } from './clock.ts';
import { asChaosError, ChaosError } from './errors.ts';
import type { Logger } from './logger.ts';

/** Files of one side of mutual TLS, PEM. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
  /** Who signs the other side; several while an authority is replaced by another. */
  readonly ca: string;
}

/** What the files hold. */
export interface TlsIdentity {
  readonly certificate: Buffer;
  readonly privateKey: Buffer;
  readonly caCertificate: Buffer;
}

type Listener = (identity: TlsIdentity) => void;

/** What @grpc/grpc-js asks for certificates: its CertificateProvider, by its methods. */
export interface TlsSource {
  addCaCertificateListener(listener: Listener): void;
  removeCaCertificateListener(listener: Listener): void;
  addIdentityCertificateListener(listener: Listener): void;
  removeIdentityCertificateListener(listener: Listener): void;
}

/** Files that are followed. */
export interface FollowedTls {
  readonly source: TlsSource;
  /** How often another identity was taken. */
  readonly generation: () => number;
  /** Stops looking at the files. */
  stop(): void;
}

/** How often the files are looked at. A kubelet itself takes up to a minute to bring a changed Secret. */
const REFRESH_MS = 5000;

/**
 * Follows three files. Those that do not fit together are not taken: either they are being replaced at this moment, or an
 * administrator made a mistake, and the old ones go on. The watcher of grpc-js 1.14 takes such a pair, and drops an identity while a file
 * of it is missing; no connection can be made then.
 * @throws ChaosError FAILED_PRECONDITION when they cannot be used at the start.
 */
export async function followTlsFiles(
  files: TlsFiles,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Promise<FollowedTls> {
  let identity = await readIdentity(files);
  let generation = 0;
  let refused: string | undefined;
  const listeners = { ca: new Set<Listener>(), own: new Set<Listener>() };
  const look = async (): Promise<void> => {
    try {
      const found = await readIdentity(files);
      refused = undefined;
      if (equal(found, identity)) return;
      identity = found;
      generation += 1;
      for (const listener of [...listeners.ca, ...listeners.own]) listener(found);
      const { fingerprint256, validTo } = new X509Certificate(found.certificate);
      logger.info({ certificate: fingerprint256, validTo }, 'certificates reloaded');
    } catch (error) {
      const { message } = asChaosError(error);
      if (message !== refused) logger.warn({ err: error }, 'changed certificates not taken');
      refused = message;
    }
  };
  let stopped = false;
  let timer = clock.after(REFRESH_MS, again);
  function again(): void {
    void look().then(() => {
      if (!stopped) timer = clock.after(REFRESH_MS, again);
    });
  }
  const add = (to: Set<Listener>) => (listener: Listener) => {
    to.add(listener);
    // A server is not yet listening to its credentials when they register here.
    process.nextTick(() => listener(identity));
  };
  return {
    source: {
      addCaCertificateListener: add(listeners.ca),
      removeCaCertificateListener: (listener) => void listeners.ca.delete(listener),
      addIdentityCertificateListener: add(listeners.own),
      removeIdentityCertificateListener: (listener) => void listeners.own.delete(listener),
    },
    generation: () => generation,
    stop() {
      stopped = true;
      timer.cancel();
    },
  };
}

async function readIdentity(files: TlsFiles): Promise<TlsIdentity> {
  try {
    const [certificate, privateKey, caCertificate] = await Promise.all([
      readFile(files.certificate),
      readFile(files.key),
      readFile(files.ca),
    ]);
    // Throws when the key is not the certificate's, and when one of them is none.
    createSecureContext({ cert: certificate, key: privateKey, ca: caCertificate });
    return { certificate, privateKey, caCertificate };
  } catch (cause) {
    const message = `the TLS files cannot be used: ${asChaosError(cause).message}`;
    throw new ChaosError('FAILED_PRECONDITION', message, { cause });
  }
}

function equal(a: TlsIdentity, b: TlsIdentity): boolean {
  return (
    a.certificate.equals(b.certificate) && a.privateKey.equals(b.privateKey) && a.caCertificate.equals(b.caCertificate)
  );
}
