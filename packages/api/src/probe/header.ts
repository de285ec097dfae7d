/** A header of an HTTP probe: its value is given, or a key of a Secret has it. */
import { quoted } from '@chaosplane/common/pure';
import * as z from 'zod';
import { objectName } from '../shared/names.ts';
import { closed } from '../shared/schema.ts';

/** One header; its value may be in a Secret. */
export const headerSchema = closed({
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

/** A key of a Secret. */
export type SecretRef = NonNullable<z.output<typeof headerSchema>['valueFrom']>['secretKeyRef'];
