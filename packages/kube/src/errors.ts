/** What the API server answers when it refuses, as one error with a code of the closed list. */
import { ChaosError, type ErrorCode } from '@chaosplane/common';

/** One of the things that a refusal names; absent fields were not told. */
export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

/** An answer of the API server that is not success, or no answer at all. */
export class KubeError extends ChaosError {
  /** The HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** `NotFound`, `Conflict`, `Expired`, … as the API server says it; `Network`, `Timeout`, `Garbled` are ours. */
  readonly reason: string;
  /** How long the server asked to be left alone, in milliseconds; absent when it did not. */
  readonly retryAfterMs: number | undefined;
  /** What it names in `details.causes`; empty when it names nothing. */
  readonly causes: readonly StatusCause[];

  constructor(
    status: number,
    reason: string,
    message: string,
    options: {
      readonly cause?: unknown;
      readonly retryAfterMs?: number | undefined;
      readonly causes?: readonly StatusCause[] | undefined;
    } = {},
  ) {
    super(codeOf(status, reason), message, options);
    this.name = 'KubeError';
    this.status = status;
    this.reason = reason;
    this.retryAfterMs = options.retryAfterMs;
    this.causes = options.causes ?? [];
  }
}

function codeOf(status: number, reason: string): ErrorCode {
  if (reason === 'Timeout') return 'DEADLINE_EXCEEDED';
  switch (status) {
    case 401:
      return 'UNAUTHENTICATED';
    case 403:
      return 'PERMISSION_DENIED';
    case 404:
      return 'NOT_FOUND';
    case 409:
      return reason === 'AlreadyExists' ? 'ALREADY_EXISTS' : 'ABORTED';
    // Expired: begin again from a fresh list.
    case 410:
    case 412:
      return 'ABORTED';
    case 429:
      return 'UNAVAILABLE';
    case 501:
      return 'UNIMPLEMENTED';
    case 504:
      return 'DEADLINE_EXCEEDED';
    default:
      return status >= 400 && status < 500 ? 'INVALID_ARGUMENT' : 'UNAVAILABLE';
  }
}

interface Status {
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly retryAfterSeconds?: number; readonly causes?: readonly StatusCause[] | null };
}

/**
 * The error for an answer with this body, which is a Status when the API server itself wrote it, and anything when
 * something in front of it did. `what` names the request.
 */
export function errorOfAnswer(what: string, httpStatus: number, body: unknown, retryAfter?: string): KubeError {
  const answer = isStatus(body) ? body : undefined;
  const status = answer?.code ?? httpStatus;
  const seconds = retryAfter === undefined ? answer?.details?.retryAfterSeconds : Number(retryAfter);
  const retryAfterMs =
    seconds === undefined || !Number.isFinite(seconds) || seconds <= 0 ? undefined : Math.ceil(seconds * 1000);
  const said = answer?.message ?? (typeof body === 'string' && body !== '' ? shorten(body) : 'no reason was given');
  const causes = answer?.details?.causes ?? [];
  return new KubeError(status, answer?.reason ?? 'Unknown', `${what}: ${status}: ${said}`, { retryAfterMs, causes });
}

function isStatus(body: unknown): body is Status {
  return typeof body === 'object' && body !== null && (body as { kind?: unknown }).kind === 'Status';
}

/** The beginning of a text that may be a whole page of HTML. */
export function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}

/** The object changed since it was read, or a precondition did not hold: read again. */
export function isConflict(error: unknown): error is KubeError {
  return error instanceof KubeError && error.status === 409 && error.reason !== 'AlreadyExists';
}

/** An object of this name is there already. */
export function isAlreadyExists(error: unknown): error is KubeError {
  return error instanceof KubeError && error.status === 409 && error.reason === 'AlreadyExists';
}

/** The asked-for resource version or continuation is too old: list again. */
export function isGone(error: unknown): error is KubeError {
  return error instanceof KubeError && error.status === 410;
}

export function isNotFound(error: unknown): error is KubeError {
  return error instanceof KubeError && error.status === 404;
}

/** The caller's rights do not suffice, or an admission rule said no. */
export function isForbidden(error: unknown): error is KubeError {
  return error instanceof KubeError && error.status === 403;
}
