/** The probe `http`: what is requested, and what answer is expected. */
import * as z from 'zod';
import { closed } from '../shared/schema.ts';
import { checkTrust, httpUrl, request } from './request.ts';
import { probeName, timing } from './timing.ts';

/** One request over HTTP, and the status that its answer must have. Times in milliseconds. */
export const httpProbe = closed({
  name: probeName,
  type: z.literal('http').describe('What is asked: http, prometheus or k8s.'),
  url: httpUrl.describe('Where the request goes. Redirects are not followed. For prometheus, the server without /api.'),
  method: z.enum(['GET', 'HEAD', 'POST']).default('GET').describe('http: the method of the request.'),
  expectStatus: z.int().min(100).max(599).default(200).describe('http: the status that the answer must have.'),
  ...request,
  ...timing,
}).superRefine(checkTrust);

/** One request over HTTP, with its defaults filled in. */
export type HttpProbe = z.output<typeof httpProbe>;
