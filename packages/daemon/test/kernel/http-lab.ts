/** An HTTP application inside a namespace, and clients that ask it, for tests of the HTTP proxy. */
import { Agent, createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import { Socket } from 'node:net';
import type { LabNamespace } from '@chaosplane/testkit';
import { tcpConnect, tcpListener } from '../../src/host/kernel/sockets.ts';

/** What the application saw of a request. */
export interface SeenRequest {
  readonly path: string;
  /** Address and port of the client. */
  readonly client: string;
}

/** An application that listens on IPv4 and IPv6. */
export interface LabApp {
  readonly port: number;
  readonly seen: SeenRequest[];
  close(): void;
}

/** Starts one. It answers with what it saw as JSON; `/echo` sends the body back as it comes; `/ws` upgrades to an echo. */
export async function startApp(at: LabNamespace, port: number): Promise<LabApp> {
  const seen: SeenRequest[] = [];
  const open = new Set<Socket>();
  const server: Server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const { socket, url = '', method = '' } = request;
    const client = `${socket.remoteAddress ?? ''} ${socket.remotePort ?? 0}`;
    seen.push({ path: url, client });
    if (url === '/echo') request.pipe(response);
    else {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        response.end(JSON.stringify({ method, url, client, body: Buffer.concat(parts).toString() }));
      });
    }
  });
  server.on('connection', (socket) => open.add(socket));
  server.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n');
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  });
  for (const address of [at.ipv4, at.ipv6]) {
    // One HTTP server reads from listeners of both families.
    const listener = (await import('node:net')).createServer((socket) => server.emit('connection', socket));
    await new Promise<void>((resolve) => listener.listen({ fd: tcpListener(at.netns, { address, port }) }, resolve));
    listeners.set(server, [...(listeners.get(server) ?? []), listener]);
  }
  return {
    port,
    seen,
    close() {
      for (const listener of listeners.get(server) ?? []) listener.close();
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}

const listeners = new Map<Server, { close(): void }[]>();

/** What came back. */
export interface Reply {
  readonly status: number;
  readonly body: string;
  readonly ms: number;
  /** The client's own port. */
  readonly port: number;
}

/** What is asked. */
export interface Asking {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly agent?: Agent;
  /** How long to wait for the whole answer. Default 10 s. */
  readonly withinMs?: number;
}

/** A client inside a namespace, on connections of its own. */
export function agentIn(from: LabNamespace, to: { readonly address: string; readonly port: number }): Agent {
  const agent = new Agent({ keepAlive: true });
  Object.assign(agent, { createConnection: () => socketTo(from, to) });
  return agent;
}

/** A plain connection from inside a namespace. */
export function socketTo(from: LabNamespace, to: { readonly address: string; readonly port: number }): Socket {
  return new Socket({ fd: tcpConnect(from.netns, to), readable: true, writable: true });
}

/** Asks once. @throws what the connection ended with: ECONNRESET. */
export async function ask(
  from: LabNamespace,
  to: { readonly address: string; readonly port: number },
  { path = '/', method = 'GET', headers = {}, body, agent, withinMs = 10_000 }: Asking = {},
): Promise<Reply> {
  const own = agent ?? agentIn(from, to);
  const started = performance.now();
  try {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const request = httpRequest({ agent: own, path, method, headers: { host: 'lab', ...headers } });
    request.on('error', reject);
    request.on('response', (response) => {
      const port = response.socket.localPort ?? 0;
      void textOf(response).then(
        (text) => resolve({ status: response.statusCode ?? 0, body: text, ms: performance.now() - started, port }),
        reject,
      );
    });
    request.end(body);
    const late = setTimeout(() => request.destroy(new Error(`no answer within ${withinMs} ms`)), withinMs);
    return await promise.finally(() => clearTimeout(late));
  } finally {
    if (agent === undefined) own.destroy();
  }
}

/** The quickest of five replies: how long it takes when nothing else is in the way, on a busy machine, too. */
export async function quickest(asked: () => Promise<Reply>): Promise<Reply> {
  let best = await asked();
  for (let round = 1; round < 5; round += 1) {
    const next = await asked();
    if (next.ms < best.ms) best = next;
  }
  return best;
}

async function textOf(message: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of message) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}
