/** The HTTP/2 servers that grpc-js makes and keeps to itself, caught as they begin to listen. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import { Server } from 'node:net';
import type { Http2Server } from 'node:http2';
import { ChaosError } from '@chaosplane/common';

const catching = new AsyncLocalStorage<(server: Http2Server) => void>();

/** Node tells here of every server that is about to listen: https://nodejs.org/api/diagnostics_channel.html#net */
subscribe('tracing:net.server.listen:asyncStart', (message) => {
  const { server } = message as { readonly server?: unknown };
  if (server instanceof Server && 'updateSettings' in server) catching.getStore()?.(server as unknown as Http2Server);
});

/**
 * Does `listen`, and captures each server that begins to listen in it, before its first connection.
 * @throws ChaosError INTERNAL when there was none: a port is never open without what was to be put before it.
 */
export async function catchServers<T>(listen: () => Promise<T>, caught: (server: Http2Server) => void): Promise<T> {
  let found = 0;
  const result = await catching.run((server) => {
    found += 1;
    caught(server);
  }, listen);
  if (found === 0) throw new ChaosError('INTERNAL', 'the server that listens was not seen: its port has no limits');
  return result;
}
