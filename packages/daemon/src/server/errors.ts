/** Errors as gRPC says them: status, message, and what was wrong with the input, in a size that every client takes. */
import type { ChaosError, Problem } from '@chaosplane/common';
import { Status } from 'nice-grpc-common';
import { BadRequest, RichServerError } from 'nice-grpc-error-details';

/**
 * Errors travel in HTTP/2 trailers, which clients take up to 8 KiB at the least: a longer one ends the whole connection, and
 * every other call on it. The message, and the details before base64, get so many bytes each.
 */
const LONGEST_PART_BYTES = 2800;

/** The error with its status and, for bad input, the problems as google.rpc.BadRequest: all, unless they are a great many. */
export function grpcError(error: ChaosError): RichServerError {
  const fieldViolations = violationsOf(error.problems);
  const details = fieldViolations.length === 0 ? [] : [BadRequest.fromPartial({ fieldViolations })];
  return new RichServerError(Status[error.code], shortened(error.message), details);
}

function violationsOf(problems: readonly Problem[]): { field: string; description: string }[] {
  const all = problems.map(({ path, wrong, allowed }) => ({
    field: path,
    description: `${wrong}; allowed: ${allowed}`,
  }));
  let bytes = 0;
  const fitting = all.findIndex(({ field, description }) => {
    // Each comes with a few bytes of protobuf around it.
    bytes += Buffer.byteLength(field) + Buffer.byteLength(description) + 12;
    return bytes > LONGEST_PART_BYTES;
  });
  if (fitting === -1) return all;
  const left = all.length - fitting;
  return [...all.slice(0, fitting), { field: 'more', description: `${left} more problems are not listed` }];
}

/** The text up to what fits; gRPC writes three characters for each byte that is not ASCII. */
function shortened(text: string): string {
  let bytes = 0;
  let end = 0;
  for (const character of text) {
    const size = Buffer.byteLength(character);
    bytes += size === 1 ? 1 : 3 * size;
    if (bytes > LONGEST_PART_BYTES) return `${text.slice(0, end)}… (${text.length - end} more characters)`;
    end += character.length;
  }
  return text;
}
