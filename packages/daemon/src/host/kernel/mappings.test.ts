import { expect, test } from '@jest/globals';
import { parseMappings } from './mappings.ts';

/** As Linux 6.1 writes it, with some of its lines. */
const mapping = (head: string, { anonymous = 0, swap = 0 } = {}): string =>
  [
    head,
    'Size:               3352 kB',
    'Rss:                3352 kB',
    `Anonymous:      ${String(anonymous).padStart(8)} kB`,
    'LazyFree:              0 kB',
    `Swap:           ${String(swap).padStart(8)} kB`,
    'SwapPss:               0 kB',
  ].join('\n');

const smaps = [
  mapping('00400000-00746000 r--p 00000000 fe:00 5383106                            /usr/bin/node'),
  mapping('0074a000-03044000 r-xp 0034a000 fe:00 5383106                            /usr/bin/node'),
  mapping('06b52000-06b56000 r--p 06751000 fe:00 5383106                            /usr/bin/node', { anonymous: 16 }),
  mapping('06b56000-06b57000 r--p 06755000 fe:00 5383106                            /usr/bin/node', { swap: 8 }),
  mapping('06b56000-06b7d000 rw-p 06755000 fe:00 5383106                            /usr/bin/node'),
  mapping('07be0000-080b7000 rw-p 00000000 00:00 0                                  [heap]'),
  mapping('7f3a8bdc0000-7f3a8bfc5000 r-xp 01627000 fe:00 5383106                    /usr/bin/node'),
  mapping('7f3a90000000-7f3a90100000 rw-p 00000000 00:00 0 '),
  mapping('7fba5e808000-7fba5e95e000 r-xp 00026000 00:a2 9980377                    /usr/lib/libc.so.6'),
  mapping('7fba5f808000-7fba5f95e000 r-xp 00026000 00:a2 9980377                    /usr/bin/node (deleted)'),
  '',
].join('\n');

test('the pages of a program are those that are as its file has them', () => {
  expect(parseMappings(smaps, '/usr/bin/node')).toEqual([
    { from: 0x400000, to: 0x746000 },
    { from: 0x74a000, to: 0x3044000 },
    { from: 0x7f3a8bdc0000, to: 0x7f3a8bfc5000 },
  ]);
  expect(parseMappings('', '/usr/bin/node')).toEqual([]);
});
