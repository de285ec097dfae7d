/** What ends a command before it is done: a signal of its user. */
import { constants } from 'node:os';

/** The signals that a command heeds; SIGPIPE stands for an output that has no reader. */
export type Interrupt = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGPIPE';

/** Is thrown where a command leaves for a signal: no error, and an exit code of its own. */
export class Interrupted extends Error {
  readonly signal: Interrupt;

  constructor(signal: Interrupt, message = `interrupted by ${signal}`) {
    super(message);
    this.name = 'Interrupted';
    this.signal = signal;
  }

  /** As shells tell the end by a signal: 130 for SIGINT, 143 for SIGTERM. */
  get exitCode(): number {
    return 128 + constants.signals[this.signal];
  }
}

/** The signal that an `interrupted` aborted for. */
export function interruptOf({ reason }: AbortSignal): Interrupt {
  return reason instanceof Interrupted ? reason.signal : 'SIGINT';
}
