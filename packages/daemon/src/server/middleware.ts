/** What every RPC goes through: a deadline for those that bring none, one log line, errors as gRPC says them. */
import { asChaosError, ChaosError, type Clock, type Logger } from '@chaosplane/common';
import { ServerError, type CallContext, type ServerMiddlewareCall } from 'nice-grpc-common';
import { grpcError } from './errors.ts';

/** Calls without a deadline get this one. Streams have none. */
const DEFAULT_DEADLINE_MS = 60_000;

/** Measures calls: name, gRPC status, seconds. */
export type CallObserver = (rpc: string, status: string, seconds: number) => void;

/** The middleware of both servers; the outermost of ChaosPlane. */
export function callMiddleware(parts: { clock: Clock; logger: Logger; observe: CallObserver }) {
  return async function* call<Request, Response>(
    { request, responseStream, method, next }: ServerMiddlewareCall<Request, Response>,
    context: CallContext,
  ) {
    const rpc = method.path.slice(method.path.lastIndexOf('/') + 1);
    const started = parts.clock.monotonic();
    const done = (status: string): void => {
      parts.observe(rpc, status, (parts.clock.monotonic() - started) / 1000);
    };
    const signal = responseStream
      ? context.signal
      : AbortSignal.any([context.signal, AbortSignal.timeout(DEFAULT_DEADLINE_MS)]);
    try {
      const result = yield* next(request, { ...context, signal });
      done('OK');
      return result;
    } catch (error) {
      if (error instanceof ServerError || (error instanceof Error && error.name === 'AbortError')) {
        done('CANCELLED');
        throw error;
      }
      const late = error instanceof Error && error.name === 'TimeoutError';
      const chaosError = late
        ? new ChaosError('DEADLINE_EXCEEDED', 'it took longer than the call allows: nothing was changed, try again')
        : asChaosError(error);
      done(chaosError.code);
      const answer = grpcError(chaosError);
      const { peer } = context;
      if (chaosError.code === 'INTERNAL') parts.logger.error({ rpc, peer, err: error }, 'call failed');
      else parts.logger.info({ rpc, peer, code: chaosError.code, reason: answer.details }, 'call refused');
      throw answer;
    }
  };
}
