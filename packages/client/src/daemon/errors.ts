/** What the errors of calls to a daemon mean. */
import { ClientError, Status } from 'nice-grpc';
import { cut } from './cut.ts';

/** The longest reason that is kept, in characters. */
export const LONGEST_REASON = 1000;

/** Errors that say nothing about the request itself; it is made again under the same idempotency key. */
export function isPassing(error: unknown): boolean {
  const passing = [Status.UNAVAILABLE, Status.ABORTED, Status.DEADLINE_EXCEEDED, Status.CANCELLED];
  if (error instanceof ClientError) return passing.includes(error.code);
  return error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError');
}

/** The daemon takes another operator for the one that leads, or does not know this one: that says nothing about the request either. */
export function isRefusal(error: unknown): boolean {
  return error instanceof ClientError && [Status.PERMISSION_DENIED, Status.UNAUTHENTICATED].includes(error.code);
}

/** What a daemon's refusal says. */
export function reasonOf(error: unknown): string {
  if (error instanceof ClientError) return cut(error.details, LONGEST_REASON);
  return error instanceof Error ? error.message : String(error);
}
