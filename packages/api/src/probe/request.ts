/** Where a probe over HTTP goes, and with what: the fields that the types http and prometheus share. */
import * as z from 'zod';
import { headerSchema } from './header.ts';

function checkCa(pem: string | undefined, { addIssue }: z.core.$RefinementCtx<string | undefined>): void {
  if (pem === undefined || /^-----BEGIN CERTIFICATE-----$[^]*^-----END CERTIFICATE-----\s*$/m.test(pem)) return;
  const allowed = 'certificates in PEM: -----BEGIN CERTIFICATE----- …';
  addIssue({ code: 'custom', message: 'it is no certificate', params: { allowed } });
}

/** The address of a server, with http or https. */
export const httpUrl = z.url({ protocol: /^https?$/ });

/** What goes along with a request, and whose certificates are trusted. */
export const request = {
  headers: z.array(headerSchema).max(16).default([]).describe('Headers of the request, such as Authorization.'),
  ca: z
    .string()
    .max(65_536)
    .optional()
    .describe('The certificates, PEM, of who signs the server; in place of those that the system trusts.')
    .superRefine(checkCa),
  insecure: z.boolean().default(false).describe("Whether the server's certificate is left unchecked."),
};

/** What of it goes together. */
interface Trust {
  readonly url: string;
  readonly ca?: string | undefined;
  readonly insecure: boolean;
}

/** Refuses certificates where there are none, and two answers to the same question. */
export function checkTrust({ url, ca, insecure }: Trust, { addIssue }: z.core.$RefinementCtx): void {
  const tls = url.startsWith('https:');
  const refuse = (field: string, message: string, allowed: string): void =>
    addIssue({ code: 'custom', path: [field], message, params: { allowed } });
  if (!tls && ca !== undefined) refuse('ca', 'http has no certificates', 'none, or a url with https');
  if (!tls && insecure) refuse('insecure', 'http has no certificates', 'false, or a url with https');
  if (ca !== undefined && insecure) refuse('insecure', 'with it ca is not used', 'one of the two');
}
