/** Where the daemon can be reached: a unix socket only its owner may enter; how servers listen and end. */
import { chmod, mkdir, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ServerCredentials } from '@grpc/grpc-js';
import { ChaosError, type Clock } from '@chaosplane/common';
import type { Server } from 'nice-grpc';
import type { Http2Server, Settings } from 'node:http2';
import { catchServers } from './captured.ts';
import { accepts } from './presence.ts';

/**
 * Listens on a unix socket in a folder of mode 0700; resolves with its path. A socket that a killed daemon left is replaced.
 * @throws ChaosError FAILED_PRECONDITION when another daemon answers there.
 */
export async function listenUnix(server: Server, path: string): Promise<string> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (await accepts(path)) {
    const wayOut = 'a node has one daemon: stop that one first';
    throw new ChaosError('FAILED_PRECONDITION', `another daemon answers on ${path}: ${wayOut}`);
  }
  // A stale socket of a killed daemon would be EADDRINUSE for ever.
  await unlink(path).catch(() => undefined);
  await server.listen(`unix://${path}`, ServerCredentials.createInsecure());
  await chmod(path, 0o600);
  return path;
}

/** What stands before a port. */
export interface Before {
  readonly settings: Settings;
  /** Given the server that grpc-js has made, before it listens. */
  readonly guard: (server: Http2Server) => void;
}

/** Listens on TCP; resolves with `host:port`. */
export async function listenTcp(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
  credentials: ServerCredentials,
  { settings, guard }: Before,
): Promise<string> {
  const shown = host.includes(':') ? `[${host}]` : host;
  const listen = (): Promise<number> => server.listen(`${shown}:${port}`, credentials);
  const bound = await catchServers(listen, (caught) => {
    // grpc-js has no option for these.
    caught.updateSettings(settings);
    guard(caught);
  });
  return `${shown}:${bound}`;
}

/** How long calls that are under way may take to end. */
const LONGEST_GOODBYE_MS = 5000;

/** Takes no more calls, and lets those that are under way end; a call that hangs must not hang the process. */
export async function endServer(server: Server, clock: Clock): Promise<void> {
  const late = Promise.withResolvers<undefined>();
  const timer = clock.after(LONGEST_GOODBYE_MS, () => late.resolve(undefined));
  await Promise.race([server.shutdown().catch(() => undefined), late.promise]);
  timer.cancel();
  server.forceShutdown();
}
