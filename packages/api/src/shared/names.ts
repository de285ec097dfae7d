/** Names as Kubernetes has them: what never matches is refused where it is written. */
import { quoted } from '@chaosplane/common/pure';
import * as z from 'zod';

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;

/** Whether it is a DNS subdomain, which most names of objects are (RFC 1123). */
export function isSubdomain(text: string): boolean {
  return text.length <= 253 && SUBDOMAIN.test(text);
}

/** The name of an object. */
export const objectName = z
  .string()
  .min(1)
  .max(253)
  .superRefine((text, { addIssue }) => {
    if (text === '' || text.length > 253 || isSubdomain(text)) return;
    const allowed =
      'lower-case letters, digits, - and ., beginning and ending with a letter or digit, at most 253 long';
    addIssue({ code: 'custom', message: `${quoted(text)} is not a name`, params: { allowed } });
  });

/** The name of a namespace: a DNS label (RFC 1123). */
export const namespaceName = z
  .string()
  .min(1)
  .max(63)
  .superRefine((text, { addIssue }) => {
    if (text === '' || text.length > 63 || LABEL.test(text)) return;
    const allowed = 'lower-case letters, digits and -, beginning and ending with a letter or digit, at most 63 long';
    addIssue({ code: 'custom', message: `${quoted(text)} is not the name of a namespace`, params: { allowed } });
  });
