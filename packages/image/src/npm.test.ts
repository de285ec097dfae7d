import { expect, test } from '@jest/globals';
import { folderOf } from './npm.ts';

test.each([
  ['node_modules/zod/v4/index.js', 'node_modules/zod'],
  ['node_modules/@grpc/grpc-js/build/src/index.js', 'node_modules/@grpc/grpc-js'],
  ['node_modules/a/node_modules/@b/c/d.js', 'node_modules/a/node_modules/@b/c'],
  ['packages/image/node_modules/ajv/lib/ajv.js', 'packages/image/node_modules/ajv'],
  ['packages/daemon/src/main.ts', undefined],
])('%s is of %s', (file, folder) => {
  expect(folderOf(file)).toBe(folder);
});
