/** Each example of docs/policies.md is a policy that is understood, and there is one of every field. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parsePolicy } from '@chaosplane/api';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';

const page = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'policies.md'), 'utf8');
const blocks = [...page.matchAll(/```yaml\n([^`]*)```/g)].map(
  ([, text = '']) => parse(text) as { readonly spec: object },
);
const inShell = [...page.matchAll(/<<'END'\n([^`]*)END\n/g)].map(([, text = '']) => JSON.parse(text) as object);

const rest = { apiVersion: 'chaos.chaosplane.io/v1alpha1', kind: 'BlastRadiusPolicy', metadata: { name: 'example' } };

describe('the page of policies', () => {
  test.each([...blocks, ...inShell])('%j', (document) => {
    expect(() => parsePolicy({ ...rest, ...document })).not.toThrow();
  });

  test('has an example of every field', () => {
    const shown = new Set(blocks.flatMap(({ spec }) => Object.keys(spec)));
    const known = Object.keys(parsePolicy({ ...rest, spec: {} }).spec).filter((field) => field !== 'enforcement');
    expect([...shown].toSorted()).toEqual(known.toSorted());
  });

  test('says what each rule is called', () => {
    for (const field of [
      'maxTargets',
      'maxPercentage',
      'minAvailable',
      'maxUnavailable',
      'allowedActions',
      'maxDuration',
    ])
      expect(page).toContain(field);
  });
});
