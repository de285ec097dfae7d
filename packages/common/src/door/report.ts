/** Tells of connections that were turned away: each is counted, and the log gets a line a minute, however many they are. */
import type { Clock } from '../clock.ts';
import type { Logger } from '../logger.ts';
import type { Turned } from './door.ts';

const EVERY_MS = 60_000;

/** Of one port. The first is logged at once, the others together. */
export function reportTurned(
  port: string,
  parts: { readonly clock: Clock; readonly logger: Logger; readonly count: (port: string, why: Turned) => void },
): (why: Turned, peer: string) => void {
  let waiting = false;
  let counts: Partial<Record<Turned, number>> = {};
  let last = '';
  const write = (): void => {
    parts.logger.warn({ port, peer: last, ...counts }, 'connections turned away');
    counts = {};
  };
  return (why, peer) => {
    parts.count(port, why);
    counts[why] = (counts[why] ?? 0) + 1;
    last = peer;
    if (waiting) return;
    waiting = true;
    write();
    parts.clock.after(EVERY_MS, () => {
      waiting = false;
      if (Object.keys(counts).length > 0) write();
    });
  };
}
