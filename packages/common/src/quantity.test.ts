import { describe, expect, test } from '@jest/globals';
import { property, assert, string, double } from 'fast-check';
import { formatDuration, parseDuration, parsePercent } from './quantity.ts';

describe('parseDuration', () => {
  test.each([
    ['100ms', 100],
    ['1s', 1000],
    ['0.5s', 500],
    ['1m30s', 90_000],
    ['2h', 7_200_000],
    ['250us', 0.25],
    ['0s', 0],
  ])('%s is %d ms', (text, value) => {
    expect(parseDuration(text)).toEqual({ ok: true, value });
  });

  test.each([
    '',
    '100',
    '1',
    'ms',
    '-1s',
    '+1s',
    '1 s',
    ' 1s',
    '1e3s',
    'NaN',
    'Infinitys',
    '1s;reboot',
    '$(id)',
    '1d',
    '1S',
    '١s',
    '9'.repeat(10_000),
  ])('%j is refused', (text) => {
    expect(parseDuration(text)).toMatchObject({ ok: false });
  });

  test('a refusal of a long text stays short', () => {
    const refused = parseDuration('x'.repeat(10_000));
    expect(refused.ok ? 0 : refused.wrong.length).toBeLessThan(120);
  });

  test('what is formatted is parsed to the same within a thousandth', () => {
    assert(
      property(double({ min: 0.001, max: 59_999, noNaN: true }), (ms) => {
        const parsed = parseDuration(formatDuration(ms));
        expect(parsed.ok && Math.abs(parsed.value - ms)).toBeLessThanOrEqual(Math.max(0.0006, ms * 0.001));
      }),
    );
  });

  test('any text is parsed or refused, never thrown at', () => {
    assert(property(string(), (text) => typeof parseDuration(text).ok === 'boolean'));
  });
});

describe('parsePercent', () => {
  test.each([
    ['25', 25],
    ['25%', 25],
    ['0.5%', 0.5],
    ['100%', 100],
    ['0', 0],
  ])('%s is %d', (text, value) => {
    expect(parsePercent(text)).toEqual({ ok: true, value });
  });

  test.each(['', '150%', '-1', '25 %', '1e1', '%', '25%%', '1;reboot', '100.1'])('%j is refused', (text) => {
    expect(parsePercent(text)).toMatchObject({ ok: false });
  });
});
