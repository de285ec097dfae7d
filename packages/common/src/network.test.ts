import { describe, expect, test } from '@jest/globals';
import { assert, property, string } from 'fast-check';
import { formatCidr, isWithin, parseCidr, parsePeers, parsePorts } from './network.ts';

describe('parseCidr', () => {
  test.each([
    ['10.0.0.7', '10.0.0.7'],
    ['10.0.0.7/8', '10.0.0.0/8'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['FD00::1', 'fd00::1'],
    ['fd00:0:0:0::1/64', 'fd00::/64'],
    ['::ffff:10.0.0.7', '10.0.0.7'],
    ['::/0', '::/0'],
  ])('%s is %s', (text, canonical) => {
    const parsed = parseCidr(text);
    expect(parsed.ok && formatCidr(parsed.value)).toBe(canonical);
  });

  test.each([
    '',
    '10.1',
    '010.0.0.1',
    '10.0.0.256',
    '10.0.0.1/33',
    'fd00::/129',
    'fe80::1%eth0',
    '1;reboot',
    '10.0.0.1 ',
    '0x7f.1',
    ':',
    '1::2::3',
  ])('%j is refused', (text) => {
    expect(parseCidr(text)).toMatchObject({ ok: false });
  });

  test('a host name is refused', () => {
    expect(parseCidr('web.default.svc')).toMatchObject({ ok: false });
  });

  test('what is accepted has only characters of an address', () => {
    assert(
      property(string(), (text) => {
        const parsed = parseCidr(text);
        return !parsed.ok || /^[0-9a-f.:]+(\/\d+)?$/.test(formatCidr(parsed.value));
      }),
    );
  });
});

test('peers are a list, and the first bad one is named', () => {
  expect(parsePeers('10.0.0.1, fd00::/64')).toMatchObject({ ok: true });
  expect(parsePeers('10.0.0.1,,10.0.0.2')).toMatchObject({ ok: false });
  expect(parsePeers('10.0.0.1,x y')).toMatchObject({ ok: false });
});

describe('parsePorts', () => {
  test('ranges are sorted and merged', () => {
    expect(parsePorts('443,80,81-90,85-100')).toEqual({
      ok: true,
      value: [
        { from: 80, to: 100 },
        { from: 443, to: 443 },
      ],
    });
  });

  test.each(['', '0', '65536', '80-70', '80;', '-80', '8 0', 'http', '80,'])('%j is refused', (text) => {
    expect(parsePorts(text)).toMatchObject({ ok: false });
  });
});

describe('isWithin', () => {
  test.each([
    ['10.0.0.7', '10.0.0.7', true],
    ['10.0.0.7', '10.0.0.8', false],
    ['10.0.0.0/24', '10.0.0.8', true],
    ['10.0.0.0/24', '10.0.1.8', false],
    ['10.0.0.0/24', '::ffff:10.0.0.8', true],
    ['fd00::/64', 'FD00:0::1', true],
    ['fd00::/64', 'fd00:0:0:1::1', false],
    ['0.0.0.0/0', 'fd00::1', false],
    ['10.0.0.0/24', 'not an address', false],
  ])('%s has %s: %s', (network, address, expected) => {
    const parsed = parseCidr(network);
    expect(parsed.ok && isWithin(parsed.value, address)).toBe(expected);
  });
});
