/** The probe `prometheus`: an instant query, and what its value must be. */
import * as z from 'zod';
import { closed } from '../shared/schema.ts';
import { checkTrust, httpUrl, request } from './request.ts';
import { probeName, timing } from './timing.ts';

/** How a value is compared; spelt as PromQL does: https://prometheus.io/docs/prometheus/latest/querying/operators/ */
export const COMPARISONS = ['<', '<=', '==', '!=', '>=', '>'] as const;

/**
 * One instant query of the HTTP API (https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries), and what each
 * value of its answer must be. Times in milliseconds. What has no value to compare is an error, never a pass.
 */
export const prometheusProbe = closed({
  name: probeName,
  type: z.literal('prometheus'),
  url: httpUrl.superRefine((url, { addIssue }) => {
    if (!URL.canParse(url)) return;
    const { search, hash, pathname } = new URL(url);
    const allowed = 'the server alone, with its prefix if it has one, such as http://prometheus.monitoring:9090';
    if (search !== '' || hash !== '')
      addIssue({ code: 'custom', message: 'it has a query of its own', params: { allowed } });
    if (/\/api\/v1(\/|$)/.test(pathname))
      addIssue({ code: 'custom', message: 'the path /api/v1/query is added to it', params: { allowed } });
  }),
  query: z
    .string()
    .min(1)
    .max(8192)
    .describe('prometheus: the instant query, in PromQL, without a comparison: an empty answer is an error.'),
  expect: closed({
    operator: z.enum(COMPARISONS).describe('How the value of the query is compared.'),
    value: z.number().describe('With what; the unit is that of the query.'),
  }).describe('prometheus: what the value of the query must be.'),
  series: z
    .enum(['one', 'all', 'any'])
    .default('one')
    .describe('prometheus: which series must be as expected. one: there may be no more than one.'),
  ...request,
  ...timing,
}).superRefine(checkTrust);

/** One instant query, with its defaults filled in. */
export type PrometheusProbe = z.output<typeof prometheusProbe>;
