/** The log: JSON lines by pino, constant lower-case messages with the variables as fields. */
import { destination as fileDestination, pino, type DestinationStream, type Logger } from 'pino';
import { asChaosError } from './errors.ts';

export type { Logger } from 'pino';

/** What is logged: `silent` is nothing at all. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

/** What a logger may be given. */
export interface LoggerOptions {
  /** Default `info`. */
  readonly level?: LogLevel;
  /** Short lines for people instead of JSON. Default false. */
  readonly pretty?: boolean;
  /** Where the lines go. Default: standard error, so that standard output stays for output. */
  readonly destination?: DestinationStream;
}

/** A logger. Errors are given as `err` and are logged with their code. */
export function createLogger(options: LoggerOptions = {}): Logger {
  const { level = 'info', pretty = false, destination = fileDestination({ fd: 2, sync: true }) } = options;
  const stream = pretty ? { write: (line: string) => destination.write(`${readable(line)}\n`) } : destination;
  const serializers = { err: serializeError };
  return pino({ level, serializers, base: null, formatters: { level: (label) => ({ level: label }) } }, stream);
}

function serializeError(error: unknown): object {
  const { code, message, problems, stack } = asChaosError(error);
  return {
    code,
    message,
    ...(problems.length === 0 ? {} : { problems }),
    // A defect needs its stack; what ChaosPlane means to show says all in its message.
    ...(code === 'INTERNAL' ? { stack: error instanceof Error ? error.stack : stack } : {}),
  };
}

/** A line of JSON as a line for people: level, message, fields. */
function readable(line: string): string {
  const { level, time: _time, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const shown = Object.entries(fields).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return [String(level).padEnd(5), String(msg), ...shown].join(' ');
}
