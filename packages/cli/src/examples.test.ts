/** The examples that people copy are valid. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseExperiment, parseSchedule, parseWorkflow } from '@chaosplane/api';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';

const folder = join(import.meta.dirname, '..', '..', '..', 'examples');

test.each(readdirSync(folder).filter((name) => name.endsWith('.yaml')))('%s', (name) => {
  const document = parse(readFileSync(join(folder, name), 'utf8')) as { readonly kind: string };
  const read = { ChaosSchedule: parseSchedule, ChaosWorkflow: parseWorkflow }[document.kind] ?? parseExperiment;
  expect(() => read(document, 'cluster')).not.toThrow();
});
