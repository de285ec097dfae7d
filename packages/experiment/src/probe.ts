/** The probes of a steady state or an abort condition: what is asked, and what answer is expected. */
import { quoted } from '@chaosplane/common';
import { z } from 'zod';
import { objectName } from './names.ts';
import { closed, positiveDuration, waitDuration } from './schema.ts';

const httpOnly = {
  message: 'this type of probe is not available in this version',
  params: { allowed: 'http' },
};

/** One header; its value may be in a Secret. */
const headerSchema = closed({
  name: z
    .string()
    .min(1)
    .max(256)
    .superRefine((name, { addIssue }) => {
      if (/^[!#$%&'*+.^_`|~0-9A-Za-z-]*$/.test(name)) return;
      addIssue({
        code: 'custom',
        message: `${quoted(name)} is not the name of a header`,
        params: { allowed: 'such as Authorization' },
      });
    })
    .describe('The name of the header.'),
  value: z
    .string()
    .max(4096)
    .superRefine((text, { addIssue }) => {
      if (/^[\t\x20-\x7e]*$/.test(text)) return;
      addIssue({
        code: 'custom',
        message: 'no header has these characters',
        params: { allowed: 'printable ASCII, in one line' },
      });
    })
    .optional()
    .describe('Its value.'),
  valueFrom: closed({
    secretKeyRef: closed({
      name: objectName.describe("The Secret, in the experiment's namespace."),
      key: z.string().min(1).max(253).describe('The key in it.'),
    }).describe('A key of a Secret. The operator must be allowed to read it, and so must who asks for it.'),
  })
    .optional()
    .describe('Where its value is, on a cluster.'),
}).superRefine(({ value, valueFrom }, { addIssue }) => {
  if ((value === undefined) !== (valueFrom === undefined)) return;
  const message = value === undefined ? 'it has no value' : 'it has two values';
  addIssue({ code: 'custom', path: [], message, params: { allowed: 'either value or valueFrom' } });
});

function checkCa(pem: string | undefined, { addIssue }: z.core.$RefinementCtx<string | undefined>): void {
  if (pem === undefined || /^-----BEGIN CERTIFICATE-----$[^]*^-----END CERTIFICATE-----\s*$/m.test(pem)) return;
  const allowed = 'certificates in PEM: -----BEGIN CERTIFICATE----- …';
  addIssue({ code: 'custom', message: 'it is no certificate', params: { allowed } });
}

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
  if (ca !== undefined && insecure) refuse('insecure', 'with it nobody looks at ca', 'one of the two');
});

/** One measurement of the hypothesis, with its defaults filled in. */
export type Probe = z.output<typeof probeSchema>;
