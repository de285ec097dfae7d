import { expect, test } from '@jest/globals';
import { cacheFolderOf } from './cache-folder.ts';

test.each([
  [{ XDG_CACHE_HOME: '/var/cache' }, '/var/cache/chaosplane'],
  [{ HOME: '/home/ann' }, '/home/ann/.cache/chaosplane'],
  [{ XDG_CACHE_HOME: '', HOME: '/home/ann' }, '/home/ann/.cache/chaosplane'],
  [{ XDG_CACHE_HOME: 'cache', HOME: '/home/ann' }, '/home/ann/.cache/chaosplane'],
])('with %j, it is %s', (environment, folder) => {
  expect(cacheFolderOf(environment)).toBe(folder);
});
