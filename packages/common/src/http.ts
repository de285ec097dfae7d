/** HTTP for the kubelet and for Prometheus: /healthz says that the process turns, /readyz that it serves, /metrics counts. */
import { defined } from './defined.ts';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from './clock.ts';
import type { Turned } from './door/door.ts';
import { createGuard, type GuardLimits, type Standing } from './door/guard.ts';

/** What the pages tell. */
export interface HttpPages {
  /** Why it does not serve at this moment; undefined when it does. */
  readonly notReady: () => string | undefined;
  /** A registry of prom-client. */
  readonly metrics: { readonly contentType: string; metrics(): Promise<string> };
}

/** Who asks, and what is told of those that ask too much. */
export interface HttpDoor {
  readonly clock: Clock;
  /** How a peer stands to the port; see GuardOptions. */
  readonly standing?: (address: string) => Standing;
  readonly onTurned: (why: Turned, peer: string) => void;
}

/** A server that listens. */
export interface HttpServer {
  /** `host:port`. */
  readonly address: string;
  close(): Promise<void>;
}

/** The kubelet makes a connection for each probe, and Prometheus one for each scrape: each connection is answered once. */
const LIMITS: GuardLimits = {
  strangers: { open: 32, rate: { perSecond: 40, burst: 80 } },
  peer: { open: 8, rate: { perSecond: 10, burst: 40 } },
  settled: 0,
  lifeMs: 10_000,
  bytes: 16_384,
};

/** Listens on `host:port`; resolves with where. */
export async function serveHttp(
  address: { readonly host: string; readonly port: number },
  { notReady, metrics }: HttpPages,
  { clock, standing, onTurned }: HttpDoor,
): Promise<HttpServer> {
  const options = {
    maxHeaderSize: 8192,
    headersTimeout: 5000,
    requestTimeout: 5000,
    connectionsCheckingInterval: 1000,
  };
  const server = createServer(options, (request, response) => {
    const answer = (status: number, body: string, type = 'text/plain; charset=utf-8'): void => {
      response.writeHead(status, { 'content-type': type, connection: 'close' }).end(body);
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
  // What a client sends behind its first request is not read.
  server.maxRequestsPerSocket = 1;
  createGuard({ limits: LIMITS, clock, onTurned, ...defined({ standing }) }).guard(server);
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
