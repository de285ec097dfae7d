/** HTTP for the kubelet and for Prometheus: /healthz says that the process turns, /readyz that it serves, /metrics counts. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';

/** What the pages tell. */
export interface HttpPages {
  /** False before the sweep is done and while shutting down. */
  readonly ready: () => boolean;
  readonly metrics: Registry;
}

/** Listens on `host:port`; resolves with where. */
export async function serveHttp(
  address: { readonly host: string; readonly port: number },
  { ready, metrics }: HttpPages,
): Promise<{ readonly address: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const answer = (status: number, body: string, type = 'text/plain; charset=utf-8'): void => {
      response.writeHead(status, { 'content-type': type }).end(body);
    };
    switch (request.url) {
      case '/healthz':
        // Liveness is only this: a daemon that is busy undoing must not be killed for it.
        answer(200, 'ok\n');
        return;
      case '/readyz':
        if (ready()) answer(200, 'ok\n');
        else answer(503, 'not serving: sweeping what an earlier daemon left, or shutting down\n');
        return;
      case '/metrics':
        metrics.metrics().then(
          (text) => answer(200, text, metrics.contentType),
          (error: unknown) => answer(500, `${String(error)}\n`),
        );
        return;
      default:
        answer(404, 'there is /healthz, /readyz and /metrics\n');
    }
  });
  await listen(server, address);
  const bound = server.address() as AddressInfo;
  return {
    address: `${bound.address}:${bound.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
}
