/** The one error class of ChaosPlane, its closed list of codes, and what each code means to gRPC and to people. */

/** One thing that is wrong with an input. */
export interface Problem {
  /** Where: `parameters.latency`, `spec.target.mode`. */
  readonly path: string;
  /** What was wrong: `"150%" is more than 100%`. */
  readonly wrong: string;
  /** What is allowed: `a percentage from 0 to 100, such as 25 or 25%`. */
  readonly allowed: string;
}

/**
 * Each code is the gRPC status of that name; here is whether trying again can help, and who has to act. `automatic`: a program
 * sends the same request again. `by hand`: a person looks first.
 */
export const errorCodes = {
  INVALID_ARGUMENT: { retry: 'no', acts: 'the caller: correct the input' },
  DEADLINE_EXCEEDED: { retry: 'automatic', acts: 'the caller: try again with more time' },
  NOT_FOUND: { retry: 'no', acts: 'the caller: name something that exists' },
  ALREADY_EXISTS: { retry: 'no', acts: 'the caller: use a new idempotency key' },
  PERMISSION_DENIED: { retry: 'no', acts: 'the administrator: only the operator may ask' },
  FAILED_PRECONDITION: { retry: 'no', acts: 'the administrator of the node' },
  ABORTED: { retry: 'automatic', acts: 'the caller: the execution is busy, try again' },
  UNIMPLEMENTED: { retry: 'no', acts: 'the caller: use a newer daemon' },
  INTERNAL: { retry: 'by hand', acts: 'the administrator: read the log of the daemon' },
  UNAVAILABLE: { retry: 'automatic', acts: 'the caller: try again' },
  UNAUTHENTICATED: { retry: 'no', acts: 'the administrator: the identity is missing or invalid' },
} as const;

/** The closed list of codes. */
export type ErrorCode = keyof typeof errorCodes;

const retryable: readonly string[] = Object.entries(errorCodes).flatMap(([code, { retry }]) =>
  retry === 'automatic' ? [code] : [],
);

/** Whether a program sends the same request again after an error with this code, which may be that of another program. */
export function isRetryable(code: unknown): boolean {
  return typeof code === 'string' && retryable.includes(code);
}

/** Every error that ChaosPlane means to show. Anything else that is thrown is a defect and is reported as INTERNAL. */
export class ChaosError extends Error {
  readonly code: ErrorCode;
  /** All problems of an INVALID_ARGUMENT; empty otherwise. */
  readonly problems: readonly Problem[];

  constructor(code: ErrorCode, message: string, options: { problems?: readonly Problem[]; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ChaosError';
    this.code = code;
    this.problems = options.problems ?? [];
  }
}

/** So many are told; a document can have a hundred thousand. */
export const MOST_PROBLEMS = 100;

/** An INVALID_ARGUMENT that names every problem in its message. */
export function invalidArgument(what: string, problems: readonly Problem[]): ChaosError {
  const told = problems.slice(0, MOST_PROBLEMS).map((p) => `${p.path}: ${p.wrong}; allowed: ${p.allowed}`);
  const more = problems.length - told.length;
  const lines = more > 0 ? [...told, `and ${more} more problems`] : told;
  return new ChaosError('INVALID_ARGUMENT', `${what} is not valid: ${lines.join(' | ')}`, { problems });
}

/** The error as a ChaosError: itself, or an INTERNAL one that keeps it as its cause. */
export function asChaosError(error: unknown): ChaosError {
  if (error instanceof ChaosError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ChaosError('INTERNAL', message, { cause: error });
}
