import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { layers } from './layers.ts';

const root = join(import.meta.dirname, '..', '..');

test('each file that runs beside another is there', () => {
  const together = layers.flatMap((layer) => layer.together ?? []);
  expect(together).not.toEqual([]);
  expect(together.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});
