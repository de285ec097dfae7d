import { expect, test } from '@jest/globals';
import { suffices } from './go.ts';

test.each([
  ['go1.25', 'local', true],
  ['go1.26.8', 'auto', true],
  ['go1.22.2', 'auto', true],
  ['go1.24.1', 'local', false],
  ['go1.19.8', '', false],
  ['', '', false],
])('whether %s is new enough with GOTOOLCHAIN=%s: %s', (version, toolchain, does) => {
  expect(suffices(version, toolchain)).toBe(does);
});
