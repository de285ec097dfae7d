/** Schemas of settings that several programs have: durations and addresses to listen on. */
import * as z from 'zod';
import { parseDuration } from './quantity.ts';

/** Milliseconds of a duration such as `30s`, for `transform`. */
export function toMilliseconds(text: string, context: z.RefinementCtx): number {
  const parsed = parseDuration(text);
  if (parsed.ok) return parsed.value;
  context.addIssue({ code: 'custom', message: `${parsed.wrong}; allowed: ${parsed.allowed}` });
  return z.NEVER;
}

/** `host:port`; every address where there is no host. */
export const listenAddress = z
  .string()
  .regex(/^.*:\d{1,5}$/, 'allowed: host:port, for example 127.0.0.1:8081 or :8081')
  .transform((text) => {
    const colon = text.lastIndexOf(':');
    const host = text.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
    return { host: host === '' ? '::' : host, port: Number(text.slice(colon + 1)) };
  });
