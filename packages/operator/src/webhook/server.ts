/** The server of the webhook: HTTPS, for the API server; strangers are kept within limits. */
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { ChaosError, createGuard, type Clock, type GuardLimits, type Logger, type Turned } from '@chaosplane/common';
import { isReviewPath } from './path.ts';
import { answerReview, type JudgePolicies } from './review.ts';

/** Where it listens, and what it shows. */
export interface WebhookOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** PEM files; read again when they change. */
  readonly certificate: string;
  readonly key: string;
}

/** What it works with. */
export interface WebhookTools {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onTurned: (why: Turned, peer: string) => void;
  readonly judge: JudgePolicies;
}

/** A server that listens. */
export interface WebhookServer {
  /** `host:port`. */
  readonly address: string;
  close(): Promise<void>;
}

/** A few API servers, which keep their connections; nothing tells one of them from a stranger. */
const LIMITS: GuardLimits = {
  strangers: { open: 32, rate: { perSecond: 40, burst: 80 } },
  peer: { open: 16, rate: { perSecond: 20, burst: 60 } },
  settled: 0,
  lifeMs: 600_000,
};

/** After that a connection ends with its next answer, so that none is cut off in the middle. */
const AGED_MS = 300_000;

/** What the API server stores at most of an object: https://etcd.io/docs/v3.5/dev-guide/limit/ – an update has two of them. */
const MOST_BYTES = 4 * 1024 * 1024;

/** How often the files are looked at. */
const REFRESH_MS = 10_000;

/** Listens; resolves with where. @throws ChaosError FAILED_PRECONDITION when the certificate cannot be read. */
export async function serveWebhook(options: WebhookOptions, tools: WebhookTools): Promise<WebhookServer> {
  const { clock, logger, onTurned, judge } = tools;
  let pair = await readPair(options);
  /** The API server hears of another path a little later than this replica. */
  let keyBefore: string | undefined;
  const keys = (): readonly string[] => (keyBefore === undefined ? [pair.key] : [pair.key, keyBefore]);
  const limits = { headersTimeout: 5000, requestTimeout: 10_000, connectionsCheckingInterval: 1000 };
  const server = createServer({ ...pair, ...limits, maxHeaderSize: 16_384, handshakeTimeout: 5000 });
  const born = new WeakMap<object, number>();
  server.on('secureConnection', (socket) => born.set(socket, clock.monotonic()));
  server.on('request', (request, response) => {
    const age = clock.monotonic() - (born.get(request.socket) ?? -Infinity);
    if (age > AGED_MS) response.setHeader('connection', 'close');
    // A stranger is not read: what a review costs is for the API server.
    if (request.method !== 'POST' || !isReviewPath(pathOf(request), keys())) {
      response.writeHead(404, { connection: 'close' }).end();
      return;
    }
    void serve(request, response, { logger, judge });
  });
  createGuard({ limits: LIMITS, clock, onTurned }).guard(server);
  await listen(server, options.listen);
  const life = new AbortController();
  void (async () => {
    while (!life.signal.aborted) {
      await clock.sleep(REFRESH_MS, life.signal).catch(() => undefined);
      const read = await readPair(options).catch(() => pair);
      if (read.cert === pair.cert && read.key === pair.key) continue;
      if (read.key !== pair.key) keyBefore = pair.key;
      pair = read;
      server.setSecureContext(pair);
      logger.info('the webhook has another certificate');
    }
  })();
  const bound = server.address() as AddressInfo;
  return {
    address: `${bound.address}:${bound.port}`,
    async close() {
      life.abort();
      server.closeIdleConnections();
      await new Promise((resolve) => {
        server.close(resolve);
        // The API server keeps connections that nothing is asked on.
        clock.after(1000, () => server.closeAllConnections());
      });
    },
  };
}

async function readPair({
  certificate,
  key,
}: WebhookOptions): Promise<{ readonly cert: string; readonly key: string }> {
  try {
    return { cert: await readFile(certificate, 'utf8'), key: await readFile(key, 'utf8') };
  } catch (cause) {
    const message = `the certificate of the webhook cannot be read: ${String(cause)}`;
    throw new ChaosError('FAILED_PRECONDITION', message, { cause });
  }
}

function listen(server: Server, { host, port }: WebhookOptions['listen']): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
}

const pathOf = ({ url = '' }: IncomingMessage): string => url.split('?')[0] ?? '';

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  { logger, judge }: Pick<WebhookTools, 'logger' | 'judge'>,
): Promise<void> {
  const answer = (status: number, body: string, type = 'text/plain; charset=utf-8'): void => {
    response.writeHead(status, { 'content-type': type }).end(body);
  };
  try {
    const review = await answerReview(JSON.parse(await bodyOf(request)), judge);
    answer(200, JSON.stringify(review), 'application/json');
  } catch (error) {
    // A client that breaks off hears nothing of it.
    if (response.destroyed) return;
    logger.debug({ err: error }, 'what was asked is no review');
    answer(400, `${error instanceof Error ? error.message : String(error)}\n`);
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST_BYTES) throw new ChaosError('INVALID_ARGUMENT', `it has more than ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
