/** Each example of docs/workflows.md is a workflow that is understood, and there is one of every field. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseWorkflow, workflowSpecSchema } from '@chaosplane/api';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';

const page = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'workflows.md'), 'utf8');
const blocks = [...page.matchAll(/```yaml\n([^`]*)```/g)].map(
  ([, text = '']) => parse(text) as { readonly spec: object },
);

test.each(blocks)('%j', (document) => {
  expect(() => parseWorkflow(document, 'machine')).not.toThrow();
});

test('the page has an example of every field', () => {
  const shown = new Set(blocks.flatMap(({ spec }) => Object.keys(spec)));
  expect([...shown].toSorted()).toEqual(Object.keys(workflowSpecSchema.shape).toSorted());
});
