/** Which connections a proxy finds open and does not reach. */
import { expect, test } from '@jest/globals';
import { aboutOpen, leftAlone, notesOnOpen, type Established } from './left-alone.ts';
import type { DnsRule, HttpRule } from '../model/proxy-rule.ts';

const end = (text: string): Established['local'] => {
  const colon = text.lastIndexOf(':');
  return { address: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
};
const socket = (local: string, remote: string, ours = false): Established => ({
  local: end(local),
  remote: end(remote),
  ours,
});

const http: HttpRule = {
  kind: 'http',
  id: 'l1',
  side: 'server',
  port: 80,
  level: 'request',
  match: { methods: [], headers: [] },
  percent: 100,
  effect: { kind: 'reset' },
  existing: 'keep',
};
const dns: DnsRule = {
  kind: 'dns',
  id: 'l2',
  domains: ['*'],
  searches: [],
  resolvers: ['10.96.0.10'],
  answer: 'NXDOMAIN',
  percent: 100,
};

const direct = socket('10.0.0.2:80', '10.0.0.9:4000');
/** A connection through a proxy for requests to the pod: the application's end, and both ends of the proxy. */
const served = [
  socket('10.0.0.2:80', '10.0.0.9:5000'),
  socket('10.0.0.2:33001', '10.0.0.9:5000'),
  socket('10.0.0.9:5000', '10.0.0.2:80', true),
];
/** One through a proxy for requests of the pod. */
const asked = [
  socket('10.0.0.2:6000', '10.0.0.7:80'),
  socket('127.0.0.1:33002', '10.0.0.2:6000'),
  socket('10.0.0.2:6001', '10.0.0.7:80', true),
];

test.each([
  ['a connection to the port', http, [direct], ['10.0.0.9:4000']],
  ['one to another port', { ...http, port: 81 }, [direct], []],
  ['one that passes through a proxy already', http, [...served, direct], ['10.0.0.9:4000']],
  ['one of the pod, of a rule for requests to the pod', http, asked, []],
  ['one of the pod', { ...http, side: 'client' }, [socket('10.0.0.2:7000', '10.0.0.7:80')], ['10.0.0.7:80']],
  ['one of the pod through a proxy', { ...http, side: 'client' }, asked, []],
  [
    'one that stays inside the pod',
    http,
    [socket('127.0.0.1:80', '127.0.0.1:9'), socket('127.0.0.1:9', '127.0.0.1:80')],
    [],
  ],
  ['one that is reset', { ...http, existing: 'reset' }, [direct], []],
  ['one over IPv6', http, [socket('fd00::2:80', 'fd00::9:4000')], ['[fd00::9]:4000']],
  ['one to the resolver', dns, [socket('10.0.0.2:7000', '10.96.0.10:53')], ['10.96.0.10:53']],
  ['one to another resolver', dns, [socket('10.0.0.2:7000', '8.8.8.8:53')], []],
] as const)('%s', (_name, rule, established, ends) => {
  expect(leftAlone(rule, established)).toEqual({ count: ends.length, ends });
});

test('are named, not all of them', () => {
  const many = [1, 2, 3, 4, 5].map((port) => socket('10.0.0.2:80', `10.0.0.9:${port}`));
  const open = leftAlone(http, many);
  expect(notesOnOpen(http, open)).toEqual([
    '5 connections were open before and left alone: 10.0.0.9:1, 10.0.0.9:2, 10.0.0.9:3 and 2 more; existingConnections: reset ends them',
  ]);
  expect(notesOnOpen(dns, { count: 1, ends: ['10.96.0.10:53'] })).toEqual([
    '1 connection was open before and left alone: 10.96.0.10:53',
  ]);
  expect([aboutOpen(1), aboutOpen(0)]).toEqual(['; 1 connection open before is left alone', '']);
});
