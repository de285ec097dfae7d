/** HTTP for the kubelet and for Prometheus: /healthz says that the process turns, /readyz that it serves, /metrics counts. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the pages tell. */
export interface HttpPages {
  /** Why it does not serve at this moment; undefined when it does. */
  readonly notReady: () => string | undefined;
  /** A registry of prom-client. */
  readonly metrics: { readonly contentType: string; metrics(): Promise<string> };
}

/** A server that listens. */
export interface HttpServer {
  /** `host:port`. */
  readonly address: string;
  close(): Promise<void>;
}

/** Listens on `host:port`; resolves with where. */
export async function serveHttp(
  address: { readonly host: string; readonly port: number },
  { notReady, metrics }: HttpPages,
): Promise<HttpServer> {
  const server = createServer((request, response) => {
    const answer = (status: number, body: string, type = 'text/plain; charset=utf-8'): void => {
      response.writeHead(status, { 'content-type': type }).end(body);
    };
    switch (request.url) {
      case '/healthz':
        // Liveness is only this: a process that is busy must not be killed for it.
        answer(200, 'ok\n');
        return;
      case '/readyz': {
        const why = notReady();
        answer(why === undefined ? 200 : 503, `${why ?? 'ok'}\n`);
        return;
      }
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
