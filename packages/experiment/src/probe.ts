/** The probes of a steady state or an abort condition: what is asked, and what answer is expected. */
import { z } from 'zod';
import { closed, duration, positiveDuration } from './schema.ts';

const httpOnly = {
  message: 'this type of probe is not available in this version',
  params: { allowed: 'http' },
};

/** One measurement of the hypothesis. Times in milliseconds. */
export const probeSchema = closed({
  name: z.string().min(1).max(63).optional().describe('For people.'),
  type: z
    .enum(['http', 'prometheus', 'k8s'])
    .refine((type) => type === 'http', httpOnly)
    .transform(() => 'http' as const)
    .describe('What is asked; http is what there is in this version.'),
  url: z.url({ protocol: /^https?$/ }).describe('Where the request goes. Redirects are not followed.'),
  method: z.enum(['GET', 'HEAD', 'POST']).default('GET').describe('The method of the request.'),
  expectStatus: z.int().min(100).max(599).default(200).describe('The status that the answer must have.'),
  timeout: positiveDuration.default(5_000).describe('How long one request may take.'),
  interval: duration.default(1_000).describe('How long to wait before the next try.'),
  retries: z.int().min(0).max(100).default(0).describe('How many tries more there are after one that failed.'),
});

/** One measurement of the hypothesis, with its defaults filled in. */
export type Probe = z.output<typeof probeSchema>;
