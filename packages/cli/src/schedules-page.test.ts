/** Each example of docs/schedules.md is a schedule that is understood, and there is one of every field. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSchedule, scheduleSpecSchema } from '@chaosplane/api';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';

const page = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'schedules.md'), 'utf8');
const blocks = [...page.matchAll(/```yaml\n([^`]*)```/g)].map(
  ([, text = '']) => parse(text) as { readonly spec: object },
);

const rest = { apiVersion: 'chaos.chaosplane.io/v1alpha1', kind: 'ChaosSchedule', metadata: { name: 'example' } };

describe('the page of schedules', () => {
  test.each(blocks)('%j', (document) => {
    expect(() => parseSchedule({ ...rest, ...document }, 'cluster')).not.toThrow();
  });

  test('has an example of every field', () => {
    const shown = new Set(blocks.flatMap(({ spec }) => Object.keys(spec)));
    expect([...shown].toSorted()).toEqual(Object.keys(scheduleSpecSchema.shape).toSorted());
  });
});
