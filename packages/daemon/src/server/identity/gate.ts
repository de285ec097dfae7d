/** Asks every call for the operator's certificate and token, before anything of its request is read. */
import { bucket, KeyedMutex, type Clock, type Logger, type Rate } from '@chaosplane/common';
import {
  experimental,
  ServerInterceptingCall,
  status,
  type Metadata,
  type ServerCredentials,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import { grpcError } from '../errors.ts';
import { tokenOf } from './bearer.ts';
import type { Answer, Caller, Callers } from './callers.ts';
import { certificateOf, whyRefused } from './client-name.ts';
import type { CountRefusal, Refusal } from './refusals.ts';
import { TokenRefusal, type Tokens } from './tokens.ts';

/** Who is let in. */
export interface GateOptions {
  /** The DNS name that a client's certificate must carry. */
  readonly clientName: string;
  /** Absent: no token is asked for. */
  readonly tokens?: Tokens;
}

/** What it works with. */
export interface GateParts {
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly logger: Logger;
  readonly count: CountRefusal;
  readonly callers: Callers;
}

/** Lines of the log about refused calls; each is counted. */
const LINES: Rate = { perSecond: 1, burst: 60 };

/**
 * The same credentials, for one client only. The handshake has checked who signed; who was signed, and for which account the token is, is checked
 * here, for each call. nice-grpc's own middleware sees no certificates, and runs when the request was read: a caller
 * that is not let in would fill the memory before. Until a call is let in, grpc-js reads no byte of its stream, so HTTP/2 keeps what a connection
 * sends to 64 KiB.
 */
export function gated(
  credentials: ServerCredentials,
  { clientName, tokens }: GateOptions,
  { clock, logger, count, callers }: GateParts,
): ServerCredentials {
  const byCertificate = (certificate: Buffer | undefined): Refusal | undefined => {
    const reason = certificate === undefined ? 'certificate-missing' : whyRefused(certificate, clientName, clock.now());
    if (reason === undefined) return undefined;
    const details = `this daemon is commanded with the client certificate of ${clientName} only (${reason})`;
    return { code: status.PERMISSION_DENIED, reason, details };
  };
  const inTurn = new KeyedMutex();
  /** Those of a connection that is not known one after another: who brings many tokens on it has the API server asked for one. */
  const oneByOne = <T>(call: Caller, look: () => Promise<T>): Promise<T> =>
    callers.isKnown(call) ? look() : inTurn.run(call.getPeer(), look);
  const lines = bucket(LINES, clock);
  let unsaid = 0;
  const tell = (call: Caller, rpc: string, { code, reason }: Refusal): void => {
    count(reason);
    unsaid += 1;
    if (!lines.take()) return;
    const more = unsaid > 1 ? { unsaid: unsaid - 1 } : {};
    logger.warn({ rpc, peer: call.getPeer(), code: status[code], reason, ...more }, 'call refused');
    unsaid = 0;
  };
  const interceptor: ServerInterceptor = (method, call) => {
    const look = async (metadata: Metadata): Promise<Answer | undefined> => {
      // It came together with a call that was refused: once is enough to count it, and to say why in the log.
      const earlier = callers.refusal(call);
      if (earlier !== undefined) return earlier;
      const wrong = byCertificate(certificateOf(call)) ?? (await byToken(tokens, metadata));
      if (wrong === undefined) callers.letIn(call);
      else {
        tell(call, method.path.slice(method.path.lastIndexOf('/') + 1), wrong);
        callers.refuse(call, wrong);
      }
      return wrong;
    };
    return new ServerInterceptingCall(call, {
      start(next) {
        next({
          onReceiveMetadata(metadata, pass) {
            oneByOne(call, () => look(metadata)).then(
              (wrong) => {
                if (wrong === undefined) pass(metadata);
                else call.sendStatus(wrong);
              },
              (error: unknown) => {
                // An error of ChaosPlane's own lets no caller in.
                logger.error({ err: error, peer: call.getPeer() }, 'the token could not be looked at');
                call.sendStatus({ code: status.INTERNAL, details: 'the token could not be looked at' });
              },
            );
          },
        });
      },
    });
  };
  return experimental.createServerCredentialsWithInterceptors(credentials, [interceptor]);
}

async function byToken(tokens: Tokens | undefined, metadata: Metadata): Promise<Refusal | undefined> {
  if (tokens === undefined) return undefined;
  try {
    await tokens.admit(tokenOf(metadata.get('authorization')[0]?.toString()));
    return undefined;
  } catch (error) {
    if (!(error instanceof TokenRefusal)) throw error;
    return { code: status[error.code], reason: error.reason, details: grpcError(error).details };
  }
}
