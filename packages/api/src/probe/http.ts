/** The probe `http`: what is requested, and what answer is expected. */
import { z } from 'zod';
import { closed, positiveDuration, waitDuration } from '../shared/schema.ts';
import { headerSchema } from './header.ts';

function checkCa(pem: string | undefined, { addIssue }: z.core.$RefinementCtx<string | undefined>): void {
  if (pem === undefined || /^-----BEGIN CERTIFICATE-----$[^]*^-----END CERTIFICATE-----\s*$/m.test(pem)) return;
  const allowed = 'certificates in PEM: -----BEGIN CERTIFICATE----- …';
  addIssue({ code: 'custom', message: 'it is no certificate', params: { allowed } });
}

/** One request over HTTP, and the status that its answer must have. Times in milliseconds. */
export const httpProbe = closed({
  name: z.string().min(1).max(63).optional().describe('For people.'),
  type: z.literal('http').describe('What is asked; http is what there is in this version.'),
  url: z.url({ protocol: /^https?$/ }).describe('Where the request goes. Redirects are not followed.'),
  method: z.enum(['GET', 'HEAD', 'POST']).default('GET').describe('The method of the request.'),
  expectStatus: z.int().min(100).max(599).default(200).describe('The status that the answer must have.'),
  headers: z.array(headerSchema).max(16).default([]).describe('Headers of the request, such as Authorization.'),
  ca: z
    .string()
    .max(65_536)
    .optional()
    .describe('The certificates, PEM, of who signs the server; in place of those that the system trusts.')
    .superRefine(checkCa),
  insecure: z.boolean().default(false).describe("Whether the server's certificate is left unchecked."),
  timeout: positiveDuration.default(5_000).describe('How long one request may take.'),
  interval: waitDuration.default(1_000).describe('How long to wait before the next try.'),
  retries: z.int().min(0).max(100).default(0).describe('How many tries more there are after one that failed.'),
}).superRefine(({ url, ca, insecure }, { addIssue }) => {
  const tls = url.startsWith('https:');
  const refuse = (field: string, message: string, allowed: string): void =>
    addIssue({ code: 'custom', path: [field], message, params: { allowed } });
  if (!tls && ca !== undefined) refuse('ca', 'http has no certificates', 'none, or a url with https');
  if (!tls && insecure) refuse('insecure', 'http has no certificates', 'false, or a url with https');
  if (ca !== undefined && insecure) refuse('insecure', 'with it ca is not used', 'one of the two');
});

/** One request over HTTP, with its defaults filled in. */
export type HttpProbe = z.output<typeof httpProbe>;
