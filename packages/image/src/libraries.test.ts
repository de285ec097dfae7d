import { expect, test } from '@jest/globals';
import { parseReadelf, place } from './libraries.ts';

test('a program names its libraries and its loader', () => {
  const output = `      [Requesting program interpreter: /lib64/ld-linux-x86-64.so.2]
 0x0000000000000001 (NEEDED)             Shared library: [libmnl.so.0]
 0x0000000000000001 (NEEDED)             Shared library: [libstdc++.so.6]
 0x0000000000000001 (NEEDED)             Shared library: [ld-linux-x86-64.so.2]\n`;
  expect(parseReadelf(output)).toEqual({
    loader: '/lib64/ld-linux-x86-64.so.2',
    needed: ['libmnl.so.0', 'libstdc++.so.6'],
  });
});

test('a static program names neither', () => {
  expect(parseReadelf('\nThere is no dynamic section in this file.\n')).toEqual({ loader: undefined, needed: [] });
});

test.each([
  ['/lib/x86_64-linux-gnu/libc.so.6', 'usr/lib/x86_64-linux-gnu/libc.so.6'],
  ['/lib64/ld-linux-x86-64.so.2', 'usr/lib64/ld-linux-x86-64.so.2'],
  ['/sbin/tc', 'usr/sbin/tc'],
  ['/usr/sbin/tc', 'usr/sbin/tc'],
  ['/library/x', 'library/x'],
])('%s lies at %s, behind the links of the root folder', (path, placed) => {
  expect(place(path)).toBe(placed);
  expect(place(`/a/b${path}`, { root: '/a/b' })).toBe(placed);
});
