/** Who the operator is to a daemon: its certificate, and the token of its service account; both are read again when they change. */
import { readFile } from 'node:fs/promises';
import { ChaosError, type Clock } from '@chaosplane/common';
import { credentials, experimental, Metadata, type ChannelCredentials } from '@grpc/grpc-js';

/** Files of the operator's identity, PEM, and its projected token. */
export interface IdentityFiles {
  readonly certificate: string;
  readonly key: string;
  /** Who signs the daemons. */
  readonly ca: string;
  readonly token: string;
}

/** How often the files are looked at. */
const REFRESH_MS = 10_000;

/** Credentials of a channel. */
export interface DaemonCredentials {
  readonly channel: ChannelCredentials;
}

/** @throws ChaosError FAILED_PRECONDITION when a file cannot be read. */
export async function loadCredentials(files: IdentityFiles, clock: Clock): Promise<DaemonCredentials> {
  for (const file of [files.certificate, files.key, files.ca, files.token]) {
    await readFile(file).catch((cause: unknown) => {
      throw new ChaosError('FAILED_PRECONDITION', `the operator's identity cannot be read: ${String(cause)}`, {
        cause,
      });
    });
  }
  const provider = new experimental.FileWatcherCertificateProvider({
    certificateFile: files.certificate,
    privateKeyFile: files.key,
    caCertificateFile: files.ca,
    refreshIntervalMs: REFRESH_MS,
  });
  const token = cachedFile(files.token, clock);
  const bearer = credentials.createFromMetadataGenerator((_context, callback) => {
    token().then(
      (value) => {
        const metadata = new Metadata();
        metadata.set('authorization', `Bearer ${value.trim()}`);
        callback(null, metadata);
      },
      (error: unknown) => callback(error instanceof Error ? error : new Error(String(error))),
    );
  });
  const tls = experimental.createCertificateProviderChannelCredentials(provider, provider);
  return { channel: credentials.combineChannelCredentials(tls, bearer) };
}

/** The content of a file, read again when what is known is older than the refresh interval. */
function cachedFile(path: string, clock: Clock): () => Promise<string> {
  let known: { readonly at: number; readonly content: string } | undefined;
  return async () => {
    if (known === undefined || clock.monotonic() - known.at > REFRESH_MS) {
      known = { at: clock.monotonic(), content: await readFile(path, 'utf8') };
    }
    return known.content;
  };
}
