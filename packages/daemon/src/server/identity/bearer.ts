/** Asks every call for the operator's token. */
import type { CallContext, ServerMiddlewareCall } from 'nice-grpc-common';
import type { CountRefusal } from './refusals.ts';
import { TokenRefusal, type Tokens } from './tokens.ts';

/** No token is longer, and metadata may be. */
const LONGEST_TOKEN = 16_384;

/** The middleware; inside the one that logs refusals and maps errors. */
export function bearerMiddleware({ tokens, count }: { readonly tokens: Tokens; readonly count: CountRefusal }) {
  return async function* authenticate<Request, Response>(
    call: ServerMiddlewareCall<Request, Response>,
    context: CallContext,
  ) {
    try {
      await tokens.admit(tokenOf(context.metadata.get('authorization')));
    } catch (error) {
      if (error instanceof TokenRefusal) count(error.reason);
      throw error;
    }
    return yield* call.next(call.request, context);
  };
}

function tokenOf(authorization: string | undefined): string {
  const [, token] = /^bearer ([\x21-\x7e]+)$/i.exec(authorization ?? '') ?? [];
  if (token !== undefined && token.length <= LONGEST_TOKEN) return token;
  const message = 'the call brings no token of a service account (authorization: Bearer …)';
  throw new TokenRefusal('UNAUTHENTICATED', 'token-missing', message);
}
