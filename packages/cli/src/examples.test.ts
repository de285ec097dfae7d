/** The examples that people copy are valid. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseExperiment } from '@chaosplane/api';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';

const folder = join(import.meta.dirname, '..', '..', '..', 'examples');

test.each(readdirSync(folder).filter((name) => name.endsWith('.yaml')))('%s', (name) => {
  expect(() => parseExperiment(parse(readFileSync(join(folder, name), 'utf8')), 'cluster')).not.toThrow();
});
