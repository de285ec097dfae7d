/** When a probe is asked: what every type of probe has. Bounded, so that no timer overflows. */
import * as z from 'zod';
import { positiveDuration, waitDuration } from '../shared/schema.ts';

/** The fields of every probe for its name and its time. Times in milliseconds, once parsed: at most a day each. */
export const timing = {
  timeout: positiveDuration.default(5_000).describe('How long one attempt may take.'),
  interval: waitDuration.default(1_000).describe('How long to wait before the next attempt.'),
  retries: z.int().min(0).max(100).default(0).describe('How many attempts more there are after one that did not pass.'),
};

/** What people call a probe: it stands in front of what is said of it. */
export const probeName = z.string().min(1).max(63).optional().describe('For people; messages begin with it.');
