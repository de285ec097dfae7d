/** The pure parts of the proxies: globs, names, queries, foreign redirects, and the table they add up to. */
import { describe, expect, test } from '@jest/globals';
import { decode, encode, RECURSION_DESIRED } from 'dns-packet';
import fc from 'fast-check';
import { transaction } from '../nft/ruleset.ts';
import { domainMatcher } from './dns/domains.ts';
import { failureOf, readQuery } from './dns/query.ts';
import { parseResolvConf } from './dns/resolv-conf.ts';
import { framed, MessageStream } from './dns/stream.ts';
import { matchesGlob } from './glob.ts';
import type { DnsRule, HttpRule } from '../model/proxy-rule.ts';
import { isFull } from './limits.ts';
import { proxyTable } from './table.ts';

describe('a glob', () => {
  test.each([
    ['/slow*', '/slow/x', true],
    ['/slow*', '/a/slow', false],
    ['*', '', true],
    ['/?/b', '/a/b', true],
    ['/a*c*e', '/abcde', true],
    ['/a*c*e', '/abcdef', false],
    ['/a.c', '/abc', false],
    ['', 'x', false],
  ])('%s and %s: %s', (pattern, text, expected) => {
    expect(matchesGlob(pattern, text)).toBe(expected);
  });

  test('means what the regular expression means that it stands for', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 });
    fc.assert(
      fc.property(letters, fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 }), (pattern, text) => {
        const regexp = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`);
        expect(matchesGlob(pattern, text)).toBe(regexp.test(text));
      }),
    );
  });

  test('that would take a regular expression for ever is no different from others', () => {
    const started = performance.now();
    expect(matchesGlob(`${'a*'.repeat(200)}b`, 'a'.repeat(8000))).toBe(false);
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe('a domain', () => {
  const searches = ['default.svc.cluster.local', 'cluster.local'];
  test.each([
    ['api.shop', 'api.shop', true],
    ['api.shop', 'API.Shop', true],
    ['api.shop', 'api.shop.cluster.local', true],
    ['api.shop', 'api.shop.default.svc.cluster.local', true],
    ['api.shop', 'api.shop.svc.cluster.local', false],
    ['api.shop', 'x.api.shop', false],
    ['api.shop.', 'api.shop.cluster.local', false],
    ['api.shop.', 'api.shop', true],
    ['*.example.com', 'a.b.example.com', true],
    ['*.example.com', 'example.com', false],
    ['*.example.com', 'notexample.com', false],
    ['*.example.com', 'a.example.com.cluster.local', true],
    ['*', 'anything', true],
  ])('%s means %s: %s', (domain, name, expected) => {
    expect(domainMatcher([domain], searches).matches(name)).toBe(expected);
  });

  test('is one of ten thousand about as quickly as of one', () => {
    const took = (domains: readonly string[]): number => {
      const matcher = domainMatcher(domains, searches);
      const started = performance.now();
      for (let index = 0; index < 10_000; index += 1) matcher.matches(`a.b.c.n${index}.com`);
      return performance.now() - started;
    };
    const many = Array.from({ length: 10_000 }, (_, index) => `*.n${index}.org`);
    took(many);
    expect(took(many)).toBeLessThan(50 * took(['*.n1.org']));
  });
});

describe('a query', () => {
  const query = (name: string, edns = false): Buffer =>
    encode({
      type: 'query',
      id: 77,
      flags: RECURSION_DESIRED,
      questions: [{ type: 'AAAA', name }],
      ...(edns
        ? { additionals: [{ type: 'OPT', name: '.', udpPayloadSize: 4096, flags: 0, options: [] } as never] }
        : {}),
    });

  test.each([false, true])('is answered with its own question and no (EDNS: %s)', (edns) => {
    const message = query('ApI.sHoP', edns);
    const read = readQuery(message);
    expect(read).toMatchObject({ name: 'ApI.sHoP', type: 'AAAA', edns });
    const answer = failureOf(message, read!, 'NXDOMAIN')!;
    expect(decode(answer)).toMatchObject({ type: 'response', id: 77, rcode: 'NXDOMAIN', flag_rd: true, answers: [] });
    expect(answer.subarray(12, read!.end)).toEqual(message.subarray(12, read!.end));
    expect(decode(answer).additionals?.length).toBe(edns ? 1 : 0);
  });

  test('that is none, or half of one, is not judged', () => {
    const whole = query('api.shop');
    for (let end = 0; end < whole.length; end += 1) expect(readQuery(whole.subarray(0, end))).toBeUndefined();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const read = readQuery(Buffer.from(bytes));
        if (read !== undefined) expect(failureOf(Buffer.from(bytes), read, 'REFUSED')?.length).toBeGreaterThan(12);
      }),
    );
  });

  test('in a stream is found wherever that is cut', () => {
    const messages = ['a.org', 'b.org', 'c.org'].map((name) => framed(query(name)));
    const stream = Buffer.concat(messages);
    fc.assert(
      fc.property(fc.nat(stream.length), fc.nat(stream.length), (a, b) => {
        const reader = new MessageStream();
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const found = [stream.subarray(0, from), stream.subarray(from, to), stream.subarray(to)];
        expect(found.flatMap((chunk) => reader.feed(chunk))).toEqual(messages);
      }),
    );
  });
});

test('a resolv.conf is read as the C library reads it', () => {
  const text = [
    '# comment',
    'nameserver 10.96.0.10 # main',
    'nameserver fe80::1%eth0',
    'nameserver FD00::A',
    'nameserver nonsense',
    'search old.local',
    'search Default.svc.cluster.local. svc.cluster.local',
    'options ndots:5',
  ].join('\n');
  expect(parseResolvConf(text)).toEqual({
    resolvers: ['10.96.0.10', 'fd00::a'],
    searches: ['default.svc.cluster.local', 'svc.cluster.local'],
  });
});

const resetting: HttpRule = {
  kind: 'http',
  id: 'l1',
  side: 'server',
  port: 8080,
  level: 'request',
  match: { methods: [], headers: [] },
  percent: 100,
  effect: { kind: 'reset' },
  existing: 'keep',
};

test('the table of one HTTP and one DNS fault reads like this', () => {
  const spared: HttpRule['spared'] = { addresses: [{ family: 4, address: '10.0.0.1', prefix: 32 }], ports: [8080] };
  const http: HttpRule = { ...resetting, spared };
  const dns: DnsRule = {
    kind: 'dns',
    id: 'l2',
    domains: ['*'],
    searches: [],
    resolvers: ['10.96.0.10'],
    answer: 'NXDOMAIN',
    percent: 100,
  };
  const table = proxyTable({
    rules: [http, dns].map((rule) => ({ rule, remainingMs: 5000 })),
    returns: true,
    full: false,
    ports: { http: (_side, family) => (family === 4 ? 4001 : undefined), dns: () => ({ udp: 5001, tcp: 5002 }) },
  });
  expect(`${transaction(new Map(), [table]).join('\n')}\n`).toBe(`add table inet chaosplane_proxy { flags owner ; }
add counter inet chaosplane_proxy l2_stray
add counter inet chaosplane_proxy l1_beyond
add counter inet chaosplane_proxy l2_beyond
add set inet chaosplane_proxy l1_live { typeof meta protocol ; flags timeout ; }
add element inet chaosplane_proxy l1_live { ip timeout 5s0ms, ip6 timeout 5s0ms }
add set inet chaosplane_proxy l2_live { typeof meta protocol ; flags timeout ; }
add element inet chaosplane_proxy l2_live { ip timeout 5s0ms, ip6 timeout 5s0ms }
add chain inet chaosplane_proxy arriving { type nat hook prerouting priority -110 ; }
add chain inet chaosplane_proxy leaving { type nat hook output priority -110 ; }
add chain inet chaosplane_proxy zone { type filter hook output priority raw ; }
add chain inet chaosplane_proxy homeward { type route hook output priority mangle ; }
add chain inet chaosplane_proxy stray { type filter hook output priority raw ; }
add rule inet chaosplane_proxy arriving meta nfproto ipv4 iifname != "lo" meta protocol @l1_live tcp dport 8080 ip saddr != { 10.0.0.1 } tcp flags & (fin|syn|rst|ack) == syn redirect to :4001
add rule inet chaosplane_proxy leaving meta mark and 0x03000000 == 0x01000000 ct mark set ct mark and 0xfcffffff or 0x01000000 return
add rule inet chaosplane_proxy leaving meta mark and 0x03000000 != 0 return
add rule inet chaosplane_proxy leaving ip daddr 10.96.0.10 meta protocol @l2_live udp dport 53 ct mark set ct mark and 0xfcffffff or 0x03000000 redirect to :5001
add rule inet chaosplane_proxy leaving ip daddr 10.96.0.10 meta protocol @l2_live tcp dport 53 tcp flags & (fin|syn|rst|ack) == syn redirect to :5002
add rule inet chaosplane_proxy zone meta mark and 0x03000000 == 0x02000000 ct original zone set 50336
add rule inet chaosplane_proxy homeward meta mark and 0x03000000 == 0x02000000 ct mark set ct mark and 0xfcffffff or 0x02000000
add rule inet chaosplane_proxy homeward ct direction reply ct mark and 0x03000000 == 0x02000000 meta mark set meta mark and 0xfcffffff or 0x03000000
add rule inet chaosplane_proxy stray meta mark and 0x03000000 != 0 return
add rule inet chaosplane_proxy stray meta nfproto ipv4 meta protocol @l2_live ip daddr != { 10.96.0.10 } udp dport 53 counter name l2_stray
add rule inet chaosplane_proxy stray meta nfproto ipv6 meta protocol @l2_live udp dport 53 counter name l2_stray
`);
});

test('proxies that have as many connections as they may count new ones, and let them pass', () => {
  const rule: HttpRule = { ...resetting, existing: 'reset' };
  const { chains } = proxyTable({
    rules: [{ rule, remainingMs: 5000 }],
    returns: false,
    full: true,
    ports: { http: () => 4001, dns: () => undefined },
  });
  const arriving = chains.find(({ name }) => name === 'arriving')?.rules ?? [];
  expect(arriving).toHaveLength(2);
  for (const text of arriving) {
    expect(text).toMatch(/== syn counter name l1_beyond ct mark set ct mark and 0xfcffffff or 0x01000000$/);
  }
  for (const name of ['reset_in', 'reset_out']) {
    expect(chains.find((chain) => chain.name === name)?.rules).toContain('ct mark and 0x03000000 != 0 return');
  }
});

test.each([
  ['as many as a namespace may have', false, { own: 1000, namespaces: 2, all: 1000 }, true],
  ['one less', false, { own: 999, namespaces: 2, all: 999 }, false],
  ['not yet few enough', true, { own: 750, namespaces: 2, all: 750 }, true],
  ['few enough', true, { own: 749, namespaces: 2, all: 749 }, false],
  ['more than its share of a full daemon', false, { own: 500, namespaces: 3, all: 1500 }, true],
  ['less than its share of a full daemon', false, { own: 499, namespaces: 3, all: 1500 }, false],
  ['more than a share of a daemon that has room', false, { own: 700, namespaces: 3, all: 1400 }, false],
  ['none, where the daemon has as many as it may have', false, { own: 0, namespaces: 30, all: 2000 }, true],
])('connections of a namespace: %s', (_name, before, { all, ...load }, full) => {
  expect(isFull(before, { ...load, all: () => all })).toBe(full);
});
