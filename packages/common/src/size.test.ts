/** Bytes and rates: what people type is understood or refused with what is allowed. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatRate, parseBytes, parseRate } from './size.ts';

describe('an amount of bytes', () => {
  test.each([
    ['1500', 1500],
    ['32k', 32_000],
    ['32kb', 32_000],
    ['32Ki', 32_768],
    ['1.5M', 1_500_000],
    ['256Mi', 268_435_456],
    ['1GiB', 1_073_741_824],
  ])('%s is %d', (text, value) => {
    expect(parseBytes(text)).toEqual({ ok: true, value });
  });

  test.each(['', ' 1', '1 k', '-1', '1e3', '1kk', '0x10', 'k', '1;reboot', '9'.repeat(10_000)])(
    '%j is refused',
    (text) => {
      expect(parseBytes(text).ok).toBe(false);
    },
  );
});

describe('a rate', () => {
  test.each([
    ['9600bit', 9600],
    ['500kbit', 500_000],
    ['10mbit', 10_000_000],
    ['10Mbit', 10_000_000],
    ['1.5gbit', 1_500_000_000],
  ])('%s is %d bits a second', (text, value) => {
    expect(parseRate(text)).toEqual({ ok: true, value });
  });

  test.each([
    ['10', 'has no unit'],
    ['10mbps', 'may mean bits or bytes'],
    ['-1mbit', 'is negative'],
    ['10mbit 1', 'is not a rate'],
    ['mbit', 'is not a rate'],
    ['', 'it is empty'],
    [`${'9'.repeat(30)}mbit`, 'is not a rate'],
  ])('%s is refused: %s', (text, said) => {
    expect(parseRate(text)).toMatchObject({ ok: false, wrong: expect.stringContaining(said) });
  });

  test('is written so that it is read back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000_000_000 }), (rate) => {
        expect(parseRate(formatRate(rate))).toEqual({ ok: true, value: rate });
      }),
    );
  });
});
