/** Who may command the daemon over TCP: one client certificate, and the token of one service account besides. */
import { defined, followTlsFiles, type Clock, type Logger } from '@chaosplane/common';
import { experimental, type ServerCredentials } from '@grpc/grpc-js';
import type { Callers } from './callers.ts';
import { gated } from './gate.ts';
import type { CountRefusal } from './refusals.ts';
import { createTokens, type TokenReviewer, type Tokens } from './tokens.ts';

/** How the TCP listener knows its client. */
export interface ClientIdentity {
  readonly credentials: ServerCredentials;
  /** Stops looking at the certificates' files. */
  stop(): void;
}

/** How clients over TCP prove who they are. */
export interface IdentityOptions {
  readonly tls: { readonly certificate: string; readonly key: string; readonly clientCa: string };
  /** The DNS name that a client's certificate must carry. */
  readonly clientName: string;
  /** Absent: no token is asked for. */
  readonly tokenReview?: {
    readonly serviceAccount: string;
    readonly audience: string;
    readonly apiServer: string;
    /** The folder with this daemon's own token and the CA of the API server. */
    readonly credentials: string;
  };
}

/** What it is made from. */
export interface IdentityParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly count: CountRefusal;
  readonly callers: Callers;
  readonly reviewer: (server: { readonly url: string; readonly credentials: string }) => TokenReviewer;
}

/**
 * Mutual TLS: a client without a certificate of the authority does not get through the handshake. Connections that are open
 * stay when the files change; new ones see the new certificates.
 * @throws ChaosError FAILED_PRECONDITION when the TLS files cannot be used.
 */
export async function clientIdentity(
  { tls, clientName, tokenReview }: IdentityOptions,
  { clock, logger, count, callers, reviewer }: IdentityParts,
): Promise<ClientIdentity> {
  const { source, stop } = await followTlsFiles({ ...tls, ca: tls.clientCa }, { clock, logger });
  const credentials = experimental.createCertificateProviderServerCredentials(source, source, true);
  const gate = (tokens?: Tokens): ClientIdentity => {
    const options = { clientName, ...defined({ tokens }) };
    return { credentials: gated(credentials, options, { clock, logger, count, callers }), stop };
  };
  if (tokenReview === undefined) {
    // Outside of a cluster no API server reviews tokens, so this is allowed; a stolen key alone is enough then.
    logger.warn({ clientName }, 'clients over tcp are asked for a certificate only, not for a token');
    return gate();
  }
  const { serviceAccount, audience, apiServer, credentials: folder } = tokenReview;
  return gate(
    createTokens({
      reviewer: reviewer({ url: apiServer, credentials: folder }),
      clock,
      logger,
      serviceAccount,
      audience,
    }),
  );
}
