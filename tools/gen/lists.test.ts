import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { lists, staleLists, writeLists } from './lists.ts';

const root = join(import.meta.dirname, '..', '..');

test('the lists are what the folders hold; otherwise npm run gen was forgotten', async () => {
  expect(await staleLists(root)).toEqual([]);
});

test('a file is listed when it declares what its name says; others are not, and tests are not', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'chaosplane-lists-'));
  try {
    const write = async (path: string, text: string): Promise<void> => {
      await mkdir(join(folder, path, '..'), { recursive: true });
      await writeFile(join(folder, path), text);
    };
    await write('packages/actions/src/catalogue/big-bang.ts', 'export const bigBang = defineAction({});\n');
    await write('packages/actions/src/catalogue/scope.ts', 'export const scope = 1;\n');
    await write(
      'packages/daemon/src/faults/catalogue/big-bang.ts',
      'export const bigBang: OneShotFault<BigBangSpec> = {};\n',
    );
    await write(
      'packages/daemon/src/faults/catalogue/big-bang.test.ts',
      'export const bigBang: OneShotFault<BigBangSpec> = {};\n',
    );
    const [actions, faults] = [...(await lists(folder)).values()];
    expect(actions).toContain('export const actions = [bigBang] as const;');
    expect(faults?.match(/bigBang/g)).toHaveLength(2);
    expect(await staleLists(folder)).toHaveLength(2);
    await writeLists(folder);
    expect(await staleLists(folder)).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
