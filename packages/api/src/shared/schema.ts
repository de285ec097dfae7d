/** The building blocks of the schemas: closed objects that name the nearest known key, durations in milliseconds. */
import { nearest } from '@chaosplane/actions';
import { parseDuration, quoted } from '@chaosplane/common/pure';
import * as z from 'zod';

/** What would have been known in the place of unknown keys, by the very list of them that an issue carries. */
const knownBeside = new WeakMap<readonly string[], readonly string[]>();

/** The keys that an object may have which was refused for these. */
export function knownInPlaceOf(keys: readonly string[]): readonly string[] {
  return knownBeside.get(keys) ?? [];
}

/** Unknown keys of one object that are told: each is compared with those that are known. */
const MOST_KEYS = 20;

/** The first of them. */
export function toldKeys(keys: readonly string[]): readonly string[] {
  return keys.slice(0, MOST_KEYS);
}

/** What is wrong with one unknown key. */
export function unknownKey(key: string, known: readonly string[]): string {
  const there = ELSEWHERE.get(key);
  const near = there !== undefined && known.includes(there.split('.')[0] ?? '') ? there : nearest(key, known);
  return `${quoted(key)} is not known here${near === undefined ? '' : `; did you mean ${near}?`}`;
}

/** Fields of other tools' files (Chaos Mesh, Litmus), and fields of policies that stand too high, by what they are in the same place here. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ['selector', 'target.labelSelector'],
  ['mode', 'target.mode'],
  ['value', 'target.value'],
  ['delay', 'action'],
  ['loss', 'action'],
  ['direction', 'action.parameters.direction'],
  ['externalTargets', 'peers'],
  ['appinfo', 'target'],
  ['probe', 'steadyState'],
  ['labelSelectors', 'labelSelector.matchLabels'],
  ['expressionSelectors', 'labelSelector.matchExpressions'],
  ['namespaces', 'namespace'],
  ['pods', 'names'],
  ...['maxTargets', 'maxPercentage', 'minAvailable', 'maxUnavailable'].map((it) => [it, `targetLimits.${it}`] as const),
  ...['allowedActions', 'maxDuration'].map((it) => [it, `actionLimits.${it}`] as const),
  ...['allowed', 'blocked'].map((it) => [it, `timeWindows.${it}`] as const),
]);

/** An object whose unknown keys are refused, with the nearest known one; those that a schema adds to it are known, too. */
export function closed<Fields extends z.core.$ZodLooseShape>(fields: Fields): z.ZodObject<Fields, z.core.$strict> {
  return z.strictObject(fields, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return undefined;
      const keys = (issue as { readonly keys?: readonly string[] }).keys ?? [];
      const known = Object.keys(issue.inst instanceof z.ZodObject ? issue.inst.def.shape : fields);
      knownBeside.set(keys, known);
      return toldKeys(keys)
        .map((key) => unknownKey(key, known))
        .join(', ');
    },
  });
}

/** YAML reads `duration: 5` as a number; it is refused for its missing unit, like the text would be. */
const asText = (value: unknown): unknown => (typeof value === 'number' ? String(value) : value);

/** A duration as people type it; milliseconds once parsed. */
export const duration = z.preprocess(asText, z.string()).transform((text, context) => {
  const parsed = parseDuration(text);
  if (parsed.ok) return parsed.value;
  context.addIssue({ code: 'custom', message: parsed.wrong, params: { allowed: parsed.allowed } });
  return z.NEVER;
});

/** The shortest time that is counted, and the longest that a timer of Node keeps without overflow (24.8 days), rounded down. */
const LONGEST_MS = 24 * 3600_000;

/** A duration within what can be kept: whole milliseconds, at most a day. */
export const waitDuration = duration
  .refine((ms) => Number.isInteger(ms), {
    message: 'it is finer than a millisecond',
    params: { allowed: 'a duration in whole milliseconds, such as 1.5s or 20ms' },
  })
  .refine((ms) => ms <= LONGEST_MS, { message: 'it is too long', params: { allowed: 'a duration of at most 24h' } });

/** The same, and longer than nothing. */
export const positiveDuration = waitDuration.refine((ms) => ms > 0, {
  message: 'it is no time at all',
  params: { allowed: 'a duration longer than 0' },
});
