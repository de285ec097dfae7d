/** Asks the API server of the cluster whose token it is: one POST, without a client library. */
import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import * as z from 'zod';
import type { Review, TokenReviewer } from './tokens.ts';

/** Where the API server is, and how to speak to it. */
export interface ApiServer {
  /** `https://host:port`. */
  readonly url: string;
  /** Folder of `token` and `ca.crt`. Read for each review: tokens of pods are replaced about every hour. */
  readonly credentials: string;
}

/** An API server that does not answer within this is not reachable. */
const LONGEST_REVIEW_MS = 3000;

const LONGEST_ANSWER_BYTES = 1 << 20;

/** authentication.k8s.io/v1 TokenReview, what of its status is needed. */
const answerSchema = z.object({
  status: z.object({
    authenticated: z.boolean().optional(),
    // For a token that it does not accept, the API server sends a user without a name.
    user: z.object({ username: z.string().optional() }).optional(),
    audiences: z.array(z.string()).optional(),
    error: z.string().optional(),
  }),
});

/** A reviewer that asks `POST /apis/authentication.k8s.io/v1/tokenreviews`. */
export function createTokenReviewer(server: ApiServer): TokenReviewer {
  return {
    async review(token, audience): Promise<Review> {
      const [own, ca] = await Promise.all([
        readFile(join(server.credentials, 'token'), 'utf8'),
        readFile(join(server.credentials, 'ca.crt')),
      ]);
      const body = JSON.stringify({
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        spec: { token, audiences: [audience] },
      });
      const answer = await post(new URL('/apis/authentication.k8s.io/v1/tokenreviews', server.url), {
        ca,
        body,
        bearer: own.trim(),
      });
      // Also 401 and 403: the daemon may not ask, which says nothing about the token.
      if (answer.status !== 201 && answer.status !== 200) {
        throw new Error(`the API server answers ${answer.status} to a token review: ${answer.text.slice(0, 300)}`);
      }
      const { status } = answerSchema.parse(JSON.parse(answer.text));
      if (status.authenticated !== true) return { authenticated: false, why: status.error ?? 'not authenticated' };
      return { authenticated: true, username: status.user?.username ?? '', audiences: status.audiences ?? [] };
    },
  };
}

function post(
  url: URL,
  { ca, body, bearer }: { readonly ca: Buffer; readonly body: string; readonly bearer: string },
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${bearer}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    };
    const signal = AbortSignal.timeout(LONGEST_REVIEW_MS);
    // Without an agent: reviews are a minute apart, and a kept connection would outlive the authority it was checked with.
    const sent = request(url, { method: 'POST', ca, headers, signal, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > LONGEST_ANSWER_BYTES) sent.destroy(new Error('the API server answers without end'));
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
