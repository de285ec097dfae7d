/** Where the daemon can be reached: a unix socket only its owner may enter, and TCP with mutual TLS, never without. */
import { chmod, mkdir, readFile, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { ServerCredentials } from '@grpc/grpc-js';
import { ChaosError } from '@chaosplane/common';
import type { Server } from 'nice-grpc';

/** Files of the daemon's identity, PEM. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
  /** Who signs the clients. */
  readonly clientCa: string;
}

/** Mutual TLS: a client without a certificate of that CA does not get through the handshake. */
export async function tlsCredentials(files: TlsFiles): Promise<ServerCredentials> {
  const [ca, cert, key] = await Promise.all([
    readFile(files.clientCa),
    readFile(files.certificate),
    readFile(files.key),
  ]);
  return ServerCredentials.createSsl(ca, [{ cert_chain: cert, private_key: key }], true);
}

/**
 * Listens on a unix socket in a folder of mode 0700. A socket that a killed daemon left is replaced.
 * @throws ChaosError FAILED_PRECONDITION when another daemon answers there.
 */
export async function listenUnix(server: Server, path: string): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (await answers(path)) {
    const wayOut = 'stop it, or give this one another --socket and another --state-dir';
    throw new ChaosError('FAILED_PRECONDITION', `another daemon answers on ${path}: ${wayOut}`);
  }
  // A stale socket of a killed daemon would be EADDRINUSE for ever.
  await unlink(path).catch(() => undefined);
  await server.listen(`unix://${path}`, ServerCredentials.createInsecure());
  await chmod(path, 0o600);
}

/** Whether something accepts connections on a unix socket. */
export function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
