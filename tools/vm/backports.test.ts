import { expect, test } from '@jest/globals';
import { newestKernel } from './backports.ts';

test('the newest kernel is that of the highest version, for any PC', () => {
  const found = [
    'linux-image-6.12.9+deb12-amd64 - Linux 6.12 for 64-bit PCs (signed)',
    'linux-image-6.12.95+deb12-amd64 - Linux 6.12 for 64-bit PCs (signed)',
    'linux-image-6.12.95+deb12-cloud-amd64 - Linux 6.12 for x86-64 cloud (signed)',
    'linux-image-6.12.95+deb12-rt-amd64 - Linux 6.12 for 64-bit PCs (signed), PREEMPT_RT',
    'linux-image-6.12.90+deb12.1-amd64 - Linux 6.12 for 64-bit PCs (signed)',
    '',
  ];
  expect(newestKernel(found.join('\n'))).toBe('linux-image-6.12.95+deb12-amd64');
  expect(newestKernel('')).toBeUndefined();
});
