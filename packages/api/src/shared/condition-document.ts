/** Conditions, as the status of an object has them. */
import { z } from 'zod';

/** A time, RFC 3339. */
export const time = z.string().max(64);

export const conditionDocuments = z.array(
  z.object({
    type: z.string().describe('What it says something about.'),
    status: z.enum(['True', 'False', 'Unknown']).describe('Whether it is so.'),
    reason: z.string().describe('Why, in one word, for programs.'),
    message: z.string().describe('Why, for people.'),
    lastTransitionTime: time.describe('When its status changed last.'),
    observedGeneration: z.int().optional().describe('The generation of the spec that it is about.'),
  }),
);
