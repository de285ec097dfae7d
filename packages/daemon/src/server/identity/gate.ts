/** Asks every call for the operator's certificate and token, before anything of its request is read. */
import { KeyedMutex, type Clock, type Logger } from '@chaosplane/common';
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
import type { Caller, Callers } from './callers.ts';
import { certificateOf, whyRefused } from './client-name.ts';
import type { CountRefusal, RefusalReason } from './refusals.ts';
import { TokenRefusal, type Tokens } from './tokens.ts';

/** Who is let in. */
export interface GateOptions {
  /** The DNS name that a client's certificate must carry. */
  readonly clientName: string;
  /** Absent: no token is asked for. */
  readonly tokens?: Tokens;
  /** Methods below this path are called with a token; the others, those of the health service, without. */
  readonly tokenPath: string;
}

/** What it works with. */
export interface GateParts {
  readonly clock: Pick<Clock, 'now'>;
  readonly logger: Logger;
  readonly count: CountRefusal;
  readonly callers: Callers;
}

/** Why a call is refused, as its caller is told. */
interface Refusal {
  readonly code: status;
  readonly reason: RefusalReason;
  readonly details: string;
}

/**
 * The same credentials, for one client only. The handshake has checked who signed; who was signed, and for which account the token is, is checked
 * here, for each call. nice-grpc's own middleware sees no certificates, and runs when the request was read: a caller
 * that is not let in would fill the memory before. Until a call is let in, grpc-js reads no byte of its stream, so HTTP/2 keeps what a connection
 * sends to 64 KiB.
 */
export function gated(
  credentials: ServerCredentials,
  { clientName, tokens, tokenPath }: GateOptions,
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
  const oneByOne = (call: Caller, look: () => Promise<void>): Promise<void> =>
    callers.standing(call) === 'known' ? look() : inTurn.run(call.getPeer(), look);
  const interceptor: ServerInterceptor = (method, call) => {
    const refuse = ({ code, reason, details }: Refusal): void => {
      const rpc = method.path.slice(method.path.lastIndexOf('/') + 1);
      count(reason);
      logger.warn({ rpc, peer: call.getPeer(), code: status[code], reason }, 'call refused');
      call.sendStatus({ code, details });
      callers.refuse(call, reason);
    };
    const wrong = byCertificate(certificateOf(call));
    const asked = method.path.startsWith(tokenPath) ? tokens : undefined;
    return new ServerInterceptingCall(call, {
      start(next) {
        next({
          onReceiveMetadata(metadata, pass) {
            const look = async (): Promise<void> => {
              // It came together with a call that was refused: once is enough to count it, and to say why.
              if (callers.standing(call) === 'refused') {
                call.sendStatus(OVER);
                return;
              }
              const refused = wrong ?? (asked === undefined ? undefined : await byToken(asked, metadata));
              if (refused !== undefined) {
                refuse(refused);
                return;
              }
              if (asked !== undefined || tokens === undefined) callers.letIn(call);
              pass(metadata);
            };
            // An error of ChaosPlane's own lets no caller in.
            const broken = { code: status.INTERNAL, details: 'the token could not be looked at' };
            oneByOne(call, look).catch(() => call.sendStatus(broken));
          },
        });
      },
    });
  };
  return experimental.createServerCredentialsWithInterceptors(credentials, [interceptor]);
}

/** What the other calls of a refused connection are answered. */
const OVER = { code: status.UNAUTHENTICATED, details: 'another call of this connection was refused, which ends it' };

async function byToken(tokens: Tokens, metadata: Metadata): Promise<Refusal | undefined> {
  try {
    await tokens.admit(tokenOf(metadata.get('authorization')[0]?.toString()));
    return undefined;
  } catch (error) {
    if (!(error instanceof TokenRefusal)) throw error;
    return { code: status[error.code], reason: error.reason, details: grpcError(error).details };
  }
}
