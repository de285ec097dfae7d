import { expect, test } from '@jest/globals';
import { hashOf, seededRandom } from './random.ts';

test('a seed gives the same numbers everywhere: selections and burst patterns depend on it', () => {
  const random = seededRandom(42);
  expect([random(), random(), random()].map((value) => value.toFixed(6))).toEqual(['0.601104', '0.448291', '0.852466']);
});

test.each([
  ['', 0x811c9dc5],
  ['a', 0xe40c292c],
  ['foobar', 0xbf9cf968],
])('the FNV-1a of "%s" is that of its specification', (text, hash) => {
  expect(hashOf(text)).toBe(hash);
});
