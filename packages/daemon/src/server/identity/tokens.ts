/** Decides whether a token is that of the one account that may command the daemon; remembers what the reviewer said. */
import { createHash } from 'node:crypto';
import { asChaosError, ChaosError, type Clock, type Logger } from '@chaosplane/common';
import type { RefusalReason } from './refusals.ts';

/** What the API server says of a token. */
export type Review =
  | { readonly authenticated: true; readonly username: string; readonly audiences: readonly string[] }
  | { readonly authenticated: false; readonly why: string };

/** Who knows tokens. */
export interface TokenReviewer {
  /** @throws when it cannot say: that is not a bad token. */
  review(token: string, audience: string): Promise<Review>;
}

/** A call that is refused for its token. */
export class TokenRefusal extends ChaosError {
  readonly reason: RefusalReason;

  constructor(code: 'UNAUTHENTICATED' | 'PERMISSION_DENIED' | 'UNAVAILABLE', reason: RefusalReason, message: string) {
    super(code, message);
    this.reason = reason;
  }
}

/** How long a positive review is enough. */
export const POSITIVE_MS = 60_000;

/** How long a negative one is: a second try may be right, but not every one needs to be asked about. */
export const NEGATIVE_MS = 2000;

/** After a review that failed, tokens with a positive one do not wait for another for so long. */
export const UNREACHABLE_MS = 5000;

/** Tokens that are remembered at most; those that were refused are forgotten first, and the oldest of them. */
const MOST_TOKENS = 256;

interface Known {
  /** Undefined: it is the right one. */
  readonly refusal: TokenRefusal | undefined;
  /** Monotonic milliseconds. */
  readonly reviewedAt: number;
  /** Until then it is not asked about again, because a later review of it failed. Monotonic milliseconds. */
  unreachableUntil: number;
}

/** Admits the tokens of one service account. */
export interface Tokens {
  /** @throws TokenRefusal UNAUTHENTICATED, PERMISSION_DENIED or, when no API server answers, UNAVAILABLE. */
  admit(token: string): Promise<void>;
}

/** Tokens are remembered by their hash only. */
export function createTokens(parts: {
  readonly reviewer: TokenReviewer;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly serviceAccount: string;
  readonly audience: string;
}): Tokens {
  const { reviewer, clock, logger, serviceAccount, audience } = parts;
  const known = new Map<string, Known>();
  const asking = new Map<string, Promise<TokenRefusal | undefined>>();

  const review = async (token: string, key: string): Promise<TokenRefusal | undefined> => {
    try {
      const refusal = judge(await reviewer.review(token, audience));
      remember(key, { refusal, reviewedAt: clock.monotonic(), unreachableUntil: 0 });
      return refusal;
    } catch (error) {
      const last = known.get(key);
      if (last !== undefined && isStanding(last, token)) {
        last.unreachableUntil = clock.monotonic() + UNREACHABLE_MS;
        logger.warn({ err: error }, 'token not reviewed, its last review counts');
        return undefined;
      }
      const message = `the token could not be reviewed: ${asChaosError(error).message}`;
      return new TokenRefusal('UNAVAILABLE', 'review-unavailable', message);
    }
  };

  const judge = (said: Review): TokenRefusal | undefined => {
    if (!said.authenticated) {
      return new TokenRefusal(
        'UNAUTHENTICATED',
        'token-invalid',
        `the API server does not accept the token: ${said.why}`,
      );
    }
    if (!said.audiences.includes(audience)) {
      return new TokenRefusal('UNAUTHENTICATED', 'token-invalid', `the token is not made out for ${audience}`);
    }
    if (said.username === serviceAccount) return undefined;
    const message = `the token is that of ${said.username}: this daemon is commanded by ${serviceAccount} only`;
    return new TokenRefusal('PERMISSION_DENIED', 'token-account', message);
  };

  const remember = (key: string, review: Known): void => {
    known.delete(key);
    known.set(key, review);
    if (known.size <= MOST_TOKENS) return;
    // Who is behind the handshake can have any number refused; the good ones are needed when no API server answers.
    const [oldest] = known.keys();
    const [first] = [...known].find(([, { refusal }]) => refusal !== undefined) ?? [oldest];
    if (first !== undefined) known.delete(first);
  };

  /** A positive review of a token that has not expired: what the API server would say of a token that was not revoked. */
  const isStanding = (review: Known, token: string): boolean => {
    if (review.refusal !== undefined) return false;
    const expiresAt = expiryOf(token);
    return expiresAt !== undefined && clock.now() < expiresAt;
  };

  return {
    async admit(token) {
      const key = createHash('sha256').update(token).digest('base64');
      const last = known.get(key);
      if (last !== undefined) {
        const age = clock.monotonic() - last.reviewedAt;
        if (last.refusal === undefined ? age < POSITIVE_MS && !isOver(token, clock) : age < NEGATIVE_MS) {
          if (last.refusal === undefined) return;
          throw last.refusal;
        }
        // Cancel and RenewLease must not wait for an API server that does not answer.
        if (clock.monotonic() < last.unreachableUntil && isStanding(last, token)) return;
      }
      let answer = asking.get(key);
      if (answer === undefined) {
        answer = review(token, key).finally(() => asking.delete(key));
        asking.set(key, answer);
      }
      const refusal = await answer;
      if (refusal !== undefined) throw refusal;
    },
  };
}

function isOver(token: string, clock: Clock): boolean {
  const expiresAt = expiryOf(token);
  return expiresAt !== undefined && clock.now() >= expiresAt;
}

/** The `exp` claim of a JWT in milliseconds since the epoch; undefined when there is none. Says nothing about who signed it. */
export function expiryOf(token: string): number | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    const exp: unknown = typeof claims === 'object' && claims !== null && 'exp' in claims ? claims.exp : undefined;
    return typeof exp === 'number' ? exp * 1000 : undefined;
  } catch {
    return undefined;
  }
}
