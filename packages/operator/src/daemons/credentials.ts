/** Who the operator is to a daemon: its certificate, and the token of its service account; both are read again when they change. */
import { readFile } from 'node:fs/promises';
import { ChaosError, followTlsFiles, type Clock, type Logger, type TlsFiles } from '@chaosplane/common';
import { credentials, experimental, Metadata, type ChannelCredentials } from '@grpc/grpc-js';

/** Files of the operator's identity; `ca` signs the daemons. */
export interface IdentityFiles extends TlsFiles {
  /** Its projected token. */
  readonly token: string;
}

/** How often the token is looked at. */
const REFRESH_MS = 10_000;

/** Credentials of a channel. */
export interface DaemonCredentials {
  readonly channel: ChannelCredentials;
  /** Grows when the operator has another certificate, or trusts others. */
  readonly generation: () => number;
  /** Stops looking at the files. */
  stop(): void;
}

/** @throws ChaosError FAILED_PRECONDITION when a file cannot be read, or certificate and key are not a pair. */
export async function loadCredentials(
  files: IdentityFiles,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Promise<DaemonCredentials> {
  await readFile(files.token).catch((cause: unknown) => {
    throw new ChaosError('FAILED_PRECONDITION', `the operator's token cannot be read: ${String(cause)}`, { cause });
  });
  const { source, generation, stop } = await followTlsFiles(files, { clock, logger });
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
  const tls = experimental.createCertificateProviderChannelCredentials(source, source);
  return { channel: credentials.combineChannelCredentials(tls, bearer), generation, stop };
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
