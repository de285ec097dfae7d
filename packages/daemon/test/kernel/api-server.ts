/** The API server's token review for tests: real HTTPS, the real request and answer, and tokens that a test makes out. */
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Identity } from './certificates.ts';

/** Whose token it is, for which audience, and until when (milliseconds since the epoch; default an hour from now). */
export interface TokenOf {
  readonly username: string;
  readonly audience?: string;
  readonly expiresAt?: number;
}

/** The server, and what tests do with it. */
export interface ApiServer {
  readonly url: string;
  /** Folder with `token` and `ca.crt`, as in a pod. */
  readonly credentials: string;
  /** How many reviews it was asked for. */
  readonly reviews: number;
  /** A token that it knows. */
  issue(token: TokenOf): string;
  /** Forgets a token. */
  revoke(token: string): void;
  /** From now on it answers so: properly, with a 500, or not at all. */
  behave(how: 'well' | 'failing' | 'silent'): void;
  close(): Promise<void>;
}

const OWN_TOKEN = 'token-of-the-daemon';

/** Listens on localhost with the certificate of `server`. */
export async function startApiServer(folder: string, server: Identity, authority: Identity): Promise<ApiServer> {
  const credentials = join(folder, 'serviceaccount');
  await mkdir(credentials);
  await writeFile(join(credentials, 'token'), `${OWN_TOKEN}\n`);
  await writeFile(join(credentials, 'ca.crt'), await readFile(authority.certificate));
  const known = new Map<string, TokenOf & { readonly expiresAt: number }>();
  let [how, reviews, serial]: ['well' | 'failing' | 'silent', number, number] = ['well', 0, 0];

  // Also of a token that it does not know, the real one tells a user: an empty one.
  const review = (token: string, audiences: readonly string[]): object => {
    const found = known.get(token);
    if (found === undefined || found.expiresAt < Date.now()) return { error: 'invalid bearer token', user: {} };
    const shared = audiences.filter((audience) => audience === found.audience);
    if (shared.length === 0) return { error: 'token audiences are invalid for the target audiences', user: {} };
    return { authenticated: true, user: { username: found.username, groups: [] }, audiences: shared };
  };
  const https = createServer(
    { key: await readFile(server.key), cert: await readFile(server.certificate) },
    (request, response) => {
      void bodyOf(request).then((body) => {
        if (how === 'silent') return;
        const answer = (status: number, content: object): void => {
          response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(content));
        };
        if (how === 'failing') answer(500, { kind: 'Status', message: 'etcd leader changed' });
        else if (request.headers.authorization !== `Bearer ${OWN_TOKEN}`) answer(401, { kind: 'Status' });
        else if (request.method !== 'POST' || request.url !== '/apis/authentication.k8s.io/v1/tokenreviews') {
          answer(404, { kind: 'Status' });
        } else {
          reviews += 1;
          const { spec, ...rest } = JSON.parse(body) as { spec: { token: string; audiences: string[] } };
          answer(201, { ...rest, spec, status: review(spec.token, spec.audiences) });
        }
      });
    },
  ).listen(0, 'localhost');
  await once(https, 'listening');
  return {
    url: `https://localhost:${(https.address() as AddressInfo).port}`,
    credentials,
    get reviews() {
      return reviews;
    },
    issue({ username, audience = 'chaosplane-daemon', expiresAt = Date.now() + 3600_000 }) {
      const part = (content: object): string => Buffer.from(JSON.stringify(content)).toString('base64url');
      const claims = { sub: username, aud: [audience], exp: Math.floor(expiresAt / 1000), jti: ++serial };
      const token = `${part({ alg: 'none' })}.${part(claims)}.signature`;
      known.set(token, { username, audience, expiresAt });
      return token;
    },
    revoke: (token) => void known.delete(token),
    behave: (next) => (how = next),
    async close() {
      https.closeAllConnections();
      await new Promise((resolve) => https.close(resolve));
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}
