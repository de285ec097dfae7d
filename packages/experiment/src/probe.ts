/** The probes of a steady state or an abort condition: what is asked, and what answer is expected. */
import { z } from 'zod';
import { closed, duration, positiveDuration } from './schema.ts';

const withoutCluster = {
  message: 'this type of probe is not available without a cluster yet',
  params: { allowed: 'http' },
};

/** One measurement of the hypothesis. Times in milliseconds. */
export const probeSchema = closed({
  name: z.string().min(1).max(63).optional(),
  type: z
    .enum(['http', 'prometheus', 'k8s'])
    .refine((type) => type === 'http', withoutCluster)
    .transform(() => 'http' as const),
  url: z.url({ protocol: /^https?$/ }),
  method: z.enum(['GET', 'HEAD', 'POST']).default('GET'),
  expectStatus: z.int().min(100).max(599).default(200),
  timeout: positiveDuration.default(5_000),
  interval: duration.default(1_000),
  retries: z.int().min(0).max(100).default(0),
});

/** One measurement of the hypothesis, with its defaults filled in. */
export type Probe = z.output<typeof probeSchema>;
