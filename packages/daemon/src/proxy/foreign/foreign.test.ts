/** Following a packet through the rules of others: which rule decides, and what is said when that is not known. */
import { describe, expect, test } from '@jest/globals';
import type { HttpRule } from '../../model/proxy-rule.ts';
import { explainRedirect } from './advice.ts';
import { redirectOf } from './follow.ts';
import { flowsOf } from './flows.ts';
import { tablesIn } from './nft-json.ts';
import type { XtPart } from './xt.ts';

const match = (left: object, right: unknown, op = '=='): object => ({ match: { op, left, right } });
const dport = { payload: { protocol: 'tcp', field: 'dport' } };
const isTcp = match({ meta: { key: 'l4proto' } }, 'tcp');
const redirect = { redirect: { port: 15006 } };
const jump = { jump: { target: 'inner' } };

/** A table as nft lists it: a chain that what comes in passes by, and one that it may call. */
function listed(outer: readonly (readonly object[])[], inner: readonly (readonly object[])[] = []): string {
  const own = { family: 'inet', table: 'mesh' };
  const rules = (chain: string, bodies: readonly (readonly object[])[]): object[] =>
    bodies.map((expr, index) => ({ rule: { ...own, chain, handle: index, expr } }));
  return JSON.stringify({
    nftables: [
      { metainfo: { version: '1.0.6' } },
      { table: { family: 'inet', name: 'mesh' } },
      { chain: { ...own, name: 'outer', type: 'nat', hook: 'prerouting', prio: -100 } },
      { chain: { ...own, name: 'inner' } },
      { set: { ...own, name: 'ports', elem: [80, { range: [8000, 8090] }] } },
      ...rules('outer', outer),
      ...rules('inner', inner),
    ],
  });
}

const http = { kind: 'http', side: 'server', port: 8080 } as HttpRule;
const interfaces = [
  { name: 'lo', addresses: ['127.0.0.1', '::1'] },
  { name: 'eth0', addresses: ['10.0.0.7', 'fd00::7'] },
];
const [flow] = flowsOf(http, interfaces);
const outcomeOf = (json: string, parts: readonly XtPart[] = []): string => {
  const found =
    flow === undefined ? undefined : redirectOf(tablesIn([json], { words: () => '', parts: () => parts }), flow);
  return found === undefined ? 'passes' : `${found.certain ? 'is' : 'may be'} redirected by ${found.path.join(' → ')}`;
};

describe('a connection to port 8080', () => {
  test.each([
    ['is redirected by what concerns all', listed([[isTcp, redirect]]), 'is redirected by outer'],
    [
      'is redirected in a chain that is called',
      listed([[jump]], [[isTcp, redirect]]),
      'is redirected by outer → inner',
    ],
    [
      'passes when it returns before that',
      listed([[jump]], [[match(dport, 8080), { return: null }], [redirect]]),
      'passes',
    ],
    [
      'is redirected after a chain that it returned from',
      listed([[jump], [redirect]], [[{ return: null }]]),
      'is redirected by outer',
    ],
    [
      'passes when it is accepted in a chain that is called',
      listed([[jump], [redirect]], [[{ accept: null }]]),
      'passes',
    ],
    ['never comes back from a chain that it went to', listed([[{ goto: { target: 'inner' } }], [redirect]]), 'passes'],
    ['passes a redirect of another port', listed([[match(dport, 80), redirect]]), 'passes'],
    ['passes a redirect of all ports but it', listed([[match(dport, 8080, '!='), redirect]]), 'passes'],
    ['is in a named set', listed([[match(dport, '@ports'), redirect]]), 'is redirected by outer'],
    ['is in a range', listed([[match(dport, { range: [8000, 9000] }), redirect]]), 'is redirected by outer'],
    [
      'is meant where protocols are listed by their numbers',
      listed([[match({ meta: { key: 'l4proto' } }, 6), redirect]]),
      'is redirected by outer',
    ],
    [
      'passes what is about the number of another protocol',
      listed([[match({ meta: { key: 'l4proto' } }, 17), redirect]]),
      'passes',
    ],
    [
      'passes what is about datagrams',
      listed([[match({ payload: { protocol: 'udp', field: 'dport' } }, 8080), redirect]]),
      'passes',
    ],
    [
      'passes what is about the loopback device',
      listed([[match({ meta: { key: 'iifname' } }, 'lo'), redirect]]),
      'passes',
    ],
    [
      'passes what is about other addresses',
      listed([[match({ payload: { protocol: 'ip', field: 'daddr' } }, '10.0.0.8'), redirect]]),
      'passes',
    ],
    [
      'is meant by its network',
      listed([
        [match({ payload: { protocol: 'ip', field: 'daddr' } }, { prefix: { addr: '10.0.0.0', len: 24 } }), redirect],
      ]),
      'is redirected by outer',
    ],
    [
      'is new to conntrack',
      listed([[match({ ct: { key: 'state' } }, ['established', 'related'], 'in'), redirect]]),
      'passes',
    ],
    [
      'may come from anywhere',
      listed([[match({ payload: { protocol: 'ip', field: 'saddr' } }, '10.9.9.9'), redirect]]),
      'may be redirected by outer',
    ],
    [
      'may meet what is not understood',
      listed([[{ xt: { type: 'match', name: 'strange' } }, redirect]]),
      'may be redirected by outer',
    ],
    [
      'may not be spared by what is not understood',
      listed([[{ xt: { type: 'match', name: 'strange' } }, { return: null }], [redirect]]),
      'may be redirected by outer',
    ],
    [
      'is redirected by a target of xtables',
      listed([[isTcp, { xt: { type: 'target', name: 'REDIRECT' } }]]),
      'is redirected by outer',
    ],
    [
      'is looked up in a map',
      listed([[{ vmap: { key: dport, data: { set: [[8080, { jump: { target: 'inner' } }]] } } }]], [[redirect]]),
      'is redirected by outer → inner',
    ],
  ])('%s', (_, json, expected) => {
    expect(outcomeOf(json)).toBe(expected);
  });

  /** struct xt_multiport_v1, struct xt_owner_match_info, struct xt_conntrack_mtinfo3 and so on, with numbers of 16 bits at those offsets. */
  const part = (name: string, revision: number, bytes: number, numbers: Readonly<Record<number, number>>): XtPart => {
    const data = Buffer.alloc(bytes);
    for (const [at, value] of Object.entries(numbers)) data.writeUInt16LE(value, Number(at));
    return { name, revision, data };
  };
  const ports = { 0: 0x0301, 2: 80, 4: 8000, 6: 8090, 33: 1 };

  test.each([
    ['many ports', part('multiport', 1, 48, ports), 'is redirected by outer'],
    ['all but many ports', part('multiport', 1, 48, { ...ports, 46: 0x0100 }), 'passes'],
    ['many ports in a structure that is not known', part('multiport', 0, 48, ports), 'may be redirected by outer'],
    ['a range of ports', part('tcp', 0, 12, { 4: 8000, 6: 8090 }), 'is redirected by outer'],
    ['another protocol', part('udp', 0, 10, { 4: 8000, 6: 8090 }), 'passes'],
    ['new connections', part('conntrack', 3, 168, { 146: 1, 150: 8 }), 'is redirected by outer'],
    ['connections that are there', part('conntrack', 3, 168, { 146: 1, 150: 6 }), 'passes'],
    ['all but those that are there', part('conntrack', 2, 160, { 146: 1, 148: 1, 150: 6 }), 'is redirected by outer'],
    ['more than a state', part('conntrack', 3, 168, { 146: 3, 150: 8 }), 'may be redirected by outer'],
    ['new connections, in old words', part('state', 0, 4, { 0: 8 }), 'is redirected by outer'],
    ['a mark', part('mark', 1, 12, { 0: 5, 4: 5 }), 'passes'],
    ['no mark of its connection', part('connmark', 1, 12, { 0: 5, 4: 5, 8: 1 }), 'is redirected by outer'],
    [
      'a user, and what comes in has none',
      part('owner', 1, 20, { 0: 1337, 4: 1337, 16: 1 }),
      'may be redirected by outer',
    ],
    ['what is cut short', part('owner', 1, 4, {}), 'may be redirected by outer'],
  ])('is judged by a match of xtables for %s', (_, xt, expected) => {
    expect(outcomeOf(listed([[{ xt: { type: 'match', name: xt.name } }, redirect]]), [xt])).toBe(expected);
  });

  test.each([
    ['CT', 1, 'is redirected by outer'],
    ['CT', 0, 'passes'],
  ])('is kept from conntrack by a target %s with flags %d', (name, flags, expected) => {
    const xt = part(name, 2, 8, { 0: flags });
    expect(outcomeOf(listed([[{ xt: { type: 'target', name } }]]), [xt])).toBe(expected);
  });

  test.each([
    [20, 16],
    [40, 36],
  ])('is told where it goes by the target alone, of %d bytes', (bytes, at) => {
    const xt = part('REDIRECT', 0, bytes, { [at]: 0x9e3a });
    const tables = tablesIn([listed([[isTcp, { xt: { type: 'target', name: 'REDIRECT' } }]])], {
      words: () => 'nft is not asked for words where there is xtables',
      parts: () => [xt],
    });
    expect(flow === undefined ? undefined : redirectOf(tables, flow)?.rule).toBe('-j REDIRECT to :15006');
  });
});

test('a refusal names the rule and its chains, and what to do', () => {
  const table = 'ip nat';
  const found = {
    what: 'redirected',
    table,
    path: ['PREROUTING', 'ISTIO_INBOUND'],
    rule: 'redirect to :15006',
    certain: true,
  } as const;
  expect(explainRedirect('pod shop/web', http, found)).toBe(
    'connections to port 8080 of pod shop/web are redirected by others (ip nat, PREROUTING → ISTIO_INBOUND: redirect to :15006), and a proxy of ours would be in their way: start the pod again with the annotation traffic.sidecar.istio.io/excludeInboundPorts: "8080", or let the mesh inject the fault itself',
  );
});
