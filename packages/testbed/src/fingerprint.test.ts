/** Comparing two fingerprints. */
import { expect, test } from '@jest/globals';
import { differences } from './fingerprint.ts';

const rules = (...lines: string[]): string => ['# nft', '', '# rules', ...lines, ''].join('\n');

test.each([
  ['equal texts differ in nothing', rules('0: local'), rules('0: local'), []],
  ['a line that came is named with its section', rules('a'), rules('a', 'b'), ['+ rules: b']],
  ['a line that went is named with its section', rules('a', 'b'), rules('b'), ['- rules: a']],
  ['a line that is there twice now came once', rules('a'), rules('a', 'a'), ['+ rules: a']],
  [
    'a line that changed went and came',
    rules('mtu 1500'),
    rules('mtu 9000'),
    ['- rules: mtu 1500', '+ rules: mtu 9000'],
  ],
])('%s', (_name, before, after, expected) => {
  expect(differences(before, after)).toEqual(expected);
});
