import { expect, test } from '@jest/globals';
import { parseOwners } from './debian.ts';

test('the packages of files are read as dpkg tells them', () => {
  const output = `libc6:amd64: /lib/x86_64-linux-gnu/libc.so.6
iproute2: /sbin/tc
diversion by dash from: /bin/sh
bash, dash: /usr/share/doc\n`;
  expect([...parseOwners(output)]).toEqual([
    ['/lib/x86_64-linux-gnu/libc.so.6', 'libc6:amd64'],
    ['/sbin/tc', 'iproute2'],
    ['/usr/share/doc', 'bash'],
  ]);
});
