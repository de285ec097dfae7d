import { describe, expect, test } from '@jest/globals';
import { buildsKubernetes, debianGoSuffices } from './prerequisites.ts';

test.each([
  ['go1.24', 'local', true],
  ['go1.26.8', 'auto', true],
  ['go1.22.2', 'auto', true],
  ['go1.22.2', 'local', false],
  ['go1.19.8', '', false],
  ['', '', false],
])('whether %s builds Kubernetes with GOTOOLCHAIN=%s: %s', (version, toolchain, does) => {
  expect(buildsKubernetes(version, toolchain)).toBe(does);
});

describe('the Go of a Debian', () => {
  const policy = (candidate: string): string => `golang-go:\n  Installed: (none)\n  Candidate: ${candidate}\n`;

  test('is worth installing only when it builds Kubernetes', () => {
    expect(debianGoSuffices(policy('2:1.19~1'))).toBe(false);
    expect(debianGoSuffices(policy('2:1.24~2'))).toBe(true);
  });

  test('is none where apt knows none', () => {
    expect(debianGoSuffices(policy('(none)'))).toBe(false);
    expect(debianGoSuffices('')).toBe(false);
  });
});
