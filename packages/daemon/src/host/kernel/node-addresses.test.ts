/** What the kernel said of an address is remembered, and not for long. */
import { expect, test } from '@jest/globals';
import { remembering } from './node-addresses.ts';

test('the kernel is asked once in two seconds for each address, and not for more than a thousand at a time', () => {
  let now = 0;
  let asked = 0;
  const isOwn = remembering(
    (address) => {
      asked += 1;
      return address === 'own';
    },
    { monotonic: () => now },
  );
  for (let index = 0; index < 100; index += 1) expect([isOwn('own'), isOwn('other')]).toEqual([true, false]);
  expect(asked).toBe(2);
  now = 2000;
  expect(isOwn('own')).toBe(true);
  expect(asked).toBe(3);
  for (let index = 0; index < 5000; index += 1) isOwn(`stranger ${index % 2000}`);
  expect(asked).toBe(5003);
});
