/** What must hold of windows of time and of time zones. */
import { rule } from './definition.ts';
import type { Addition } from './place.ts';

/** Of a zone that is none the API server says so itself. */
export const timeZoneRule = (at: string): Addition =>
  rule(
    at,
    'the name of a time zone such as Europe/Berlin or UTC',
    "self.matches('^[A-Z]') && self != 'Local' && timestamp('2026-01-01T00:00:00Z').getHours(self) >= 0",
  );

/** One window of time. */
export function windowRules(window: string): readonly Addition[] {
  return [
    ...['from', 'to'].flatMap((at): Addition[] => [
      { at: `${window}.${at}`, add: { maxLength: 5 } },
      rule(
        `${window}.${at}`,
        'a time such as "09:30", from 00:00 to 24:00',
        "self.matches('^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$')",
      ),
    ]),
    rule(window, 'it is no time at all: the whole day is from 00:00 to 24:00', 'self.from != self.to'),
    timeZoneRule(`${window}.timeZone`),
  ];
}
