/** Which addresses are a machine's own affair, and which are not. */
import { expect, test } from '@jest/globals';
import { isLocalAddress } from './local-address.ts';

test.each([
  ['loopback', ['127.0.0.1', '127.255.255.254', '::1']],
  ['unspecified, which is this host', ['0.0.0.0', '0.1.2.3', '::']],
  [
    'link-local',
    ['169.254.169.254', '169.254.170.2', '169.254.170.23', '169.254.0.23', 'fe80::a9fe:a9fe', 'fe80::1%eth0'],
  ],
  ['IPv4-mapped', ['::ffff:127.0.0.1', '::ffff:a9fe:a9fe', '::ffff:100.100.100.200']],
  ['IPv4-translated and IPv4-compatible', ['::ffff:0:a9fe:a9fe', '::a9fe:a9fe', '::127.0.0.1']],
  ['behind NAT64', ['64:ff9b::a9fe:a9fe', '64:ff9b::7f00:1', '64:ff9b::a83f:8110']],
  [
    'behind NAT64 for local use, of every length of its prefix',
    ['64:ff9b:1:a9fe:a9:fe00::', '64:ff9b:1:a9:fe:a9fe::', '64:ff9b:1:0:a9:fea9:fe00:0', '64:ff9b:1::a9fe:a9fe'],
  ],
  ['behind 6to4', ['2002:a9fe:a9fe::1', '2002:7f00:1::']],
  ["AWS's metadata", ['fd00:ec2::254', 'fd00:ec2::23', 'FD00:0EC2:0:0::254']],
  ["other clouds' metadata", ['100.100.100.200', 'fd00:100::100:200', '168.63.129.16', '192.0.0.192']],
  ['and their IPv6 forms', ['fd00:c1::a9fe:a9fe', 'fd20:ce::254', 'fd00:42::42', 'fd00:a9fe:a9fe::1']],
])('%s is local', (_what, addresses) => {
  expect(addresses.filter((address) => !isLocalAddress(address))).toEqual([]);
});

test.each([
  ['networks of clusters', ['10.0.0.1', '10.96.0.1', '172.16.0.1', '192.168.1.1', '100.64.0.1', 'fd12:3456::1']],
  ['public addresses', ['1.1.1.1', '2001:4860:4860::8888', '168.63.129.17', '100.100.100.201']],
  ['the same, translated', ['64:ff9b::101:101', '2002:101:101::1', '::ffff:10.0.0.1', '64:ff9b:1::a00:1']],
])('%s are not', (_what, addresses) => {
  expect(addresses.filter(isLocalAddress)).toEqual([]);
});

test('what is no address is let through no more than one of this machine', () => {
  expect(['localhost', '', '169.254', '0x7f000001'].filter((text) => !isLocalAddress(text))).toEqual([]);
});
