/** Only in allowed times, and never in blocked ones. */
import type { TimeWindow } from '@chaosplane/api';
import type { Case } from '../case.ts';
import { instantText, minutesOf, windowAt, windowText } from '../wall-clock.ts';

/** An experiment that wants to begin must have ended before the times in which it may not run; one that is under way ends with them. */
export function timeWindows({ policy, request, now }: Case): string | undefined {
  const { allowed, blocked } = policy.spec.timeWindows;
  if (allowed === undefined && blocked.length === 0) return undefined;
  const end = request.begins ? now + request.duration : now;
  for (const at of minutesOf(now, end)) {
    const hit = windowAt(blocked, at);
    if (hit !== undefined) return `${when(at, now, hit)} is in the blocked time ${windowText(hit)}`;
    const [first] = allowed ?? [];
    if (allowed !== undefined && first !== undefined && windowAt(allowed, at) === undefined)
      return `${when(at, now, first)} is in no allowed time: ${allowed.map(windowText).join('; ')}`;
  }
  return undefined;
}

function when(at: number, now: number, { timeZone }: TimeWindow): string {
  const text = instantText(at, timeZone);
  return at === now ? `now (${text})` : `it would still run at ${text}, which`;
}
