/** Names of time zones: their schema. */
import { nearest } from '@chaosplane/actions';
import { quoted } from '@chaosplane/common/pure';
import * as z from 'zod';

/** A name of the IANA time zone database; offsets such as `+01:00` have no summer time, and are refused as Kubernetes does for a CronJob. */
export const timeZone = z
  .string()
  .min(1)
  .max(64)
  .superRefine((text, { addIssue }) => {
    if (text === '' || text.length > 64 || isTimeZone(text)) return;
    const meant = spelt(text) ?? nearest(text, Intl.supportedValuesOf('timeZone'));
    const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
    const allowed = 'a name such as Europe/Berlin, America/New_York or UTC';
    addIssue({ code: 'custom', message: `${quoted(text)} is not a time zone${hint}`, params: { allowed } });
  });

/** As Kubernetes has it, which finds a zone by the name of its file: upper and lower case differ. `Intl` takes either. */
function isTimeZone(text: string): boolean {
  if (!/^[A-Z]/.test(text) || spelt(text) !== undefined) return false;
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: text });
    return true;
  } catch {
    return false;
  }
}

/** The name of the zone, where the text is that name in other letters; undefined also where that cannot be told. */
function spelt(text: string): string | undefined {
  const names = ['UTC', 'GMT', resolved(text), ...Intl.supportedValuesOf('timeZone')];
  const name = names.find((each) => each?.toLowerCase() === text.toLowerCase());
  return name === text ? undefined : name;
}

/** Under the name in it, many zones are not listed; some are known by another one then. */
function resolved(text: string): string | undefined {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: text }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}
