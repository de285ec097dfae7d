/** How an error is told to people: what went wrong, each problem on a line of its own, and the way out. */
import { ChaosError } from '@chaosplane/common';
import { ClientError, Status } from 'nice-grpc';

/** The text for standard error. `verbose` adds the stack, for people who report a defect. */
export function describeError(error: unknown, verbose: boolean): string {
  const stack = verbose && error instanceof Error ? `\n${error.stack ?? ''}` : '';
  if (error instanceof ChaosError && error.problems.length > 0) {
    const lines = error.problems.map(({ path, wrong, allowed }) => `  - ${path}: ${wrong}\n    allowed: ${allowed}`);
    return `error: ${error.message.split(':')[0] ?? ''}\n${lines.join('\n')}${stack}`;
  }
  if (error instanceof ClientError)
    return `error: ${Status[error.code]}: ${error.details.split(' | ').join('\n  - ')}${stack}`;
  return `error: ${error instanceof Error ? error.message : String(error)}${stack}`;
}
