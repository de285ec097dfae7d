/** The operator's token, as a call brings it. Pure. */
import { TokenRefusal } from './tokens.ts';

/** No token is longer, and metadata may be. */
const LONGEST_TOKEN = 16_384;

/** The token of an `authorization: Bearer …`. @throws TokenRefusal UNAUTHENTICATED when there is none. */
export function tokenOf(authorization: string | undefined): string {
  const [, token] = /^bearer ([\x21-\x7e]+)$/i.exec(authorization ?? '') ?? [];
  if (token !== undefined && token.length <= LONGEST_TOKEN) return token;
  const message = 'the call brings no token of a service account (authorization: Bearer …)';
  throw new TokenRefusal('UNAUTHENTICATED', 'token-missing', message);
}
