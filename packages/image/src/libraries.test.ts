import { expect, test } from '@jest/globals';
import { parseLdd, place } from './libraries.ts';

test('the output of ldd names the libraries and the loader, not the kernel', () => {
  const output = `\tlinux-vdso.so.1 (0x00007f7)
\tlibmnl.so.0 => /lib/x86_64-linux-gnu/libmnl.so.0 (0x00007f772ad4c000)
\t/lib64/ld-linux-x86-64.so.2 (0x00007f772ae73000)\n`;
  expect(parseLdd(output)).toEqual(['/lib/x86_64-linux-gnu/libmnl.so.0', '/lib64/ld-linux-x86-64.so.2']);
});

test('a static program has no libraries, and a missing one is named', () => {
  expect(parseLdd('\tstatically linked\n')).toEqual([]);
  expect(() => parseLdd('\tlibnope.so.1 => not found\n')).toThrow('the library libnope.so.1 is missing');
});

test.each([
  ['/lib/x86_64-linux-gnu/libc.so.6', 'usr/lib/x86_64-linux-gnu/libc.so.6'],
  ['/lib64/ld-linux-x86-64.so.2', 'usr/lib64/ld-linux-x86-64.so.2'],
  ['/sbin/tc', 'usr/sbin/tc'],
  ['/usr/sbin/tc', 'usr/sbin/tc'],
  ['/library/x', 'library/x'],
])('%s lies at %s, behind the links of the root folder', (path, placed) => {
  expect(place(path)).toBe(placed);
});
