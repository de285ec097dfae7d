/** What programs, the kernel and the container runtime print, read. */
import { describe, expect, test } from '@jest/globals';
import { interfaceNames } from './links.ts';
import { attribute, errnoOf, messagesIn, nested, plainMessage, zeroTerminated, type Received } from './netlink.ts';
import { nftError } from './nft.ts';
import { qdiscIn } from './qdiscs.ts';
import { candidates } from './dns.ts';
import { dnsView, networkNamespacePath } from './sandbox-info.ts';
import { socketAddress } from './sockets.ts';

describe('a message about a qdisc', () => {
  const devices = [
    { name: 'lo', index: 1 },
    { name: 'eth0', index: 7 },
  ];
  const told = (kind: string, index: number, handle: number, parent: number, ...more: Buffer[]): Received => {
    const head = Buffer.alloc(20);
    head.writeInt32LE(index, 4);
    head.writeUInt32LE(handle, 8);
    head.writeUInt32LE(parent, 12);
    const bytes = plainMessage({ type: 36, flags: 2, sequence: 1 }, head, attribute(1, zeroTerminated(kind)), ...more);
    const [received] = messagesIn(bytes);
    if (received === undefined) throw new Error('no message was built');
    return received;
  };

  test('is read with parent and statistics, which some kinds do not have', () => {
    const basic = Buffer.alloc(16);
    basic.writeBigUInt64LE(98n);
    basic.writeUInt32LE(2, 8);
    const queue = Buffer.alloc(20);
    queue.writeUInt32LE(3, 8);
    const statistics = nested(7, attribute(1, basic), attribute(3, queue));
    expect(qdiscIn(told('netem', 7, 0xc5010000, 0xc4a00001, statistics), devices)).toEqual([
      { device: 'eth0', kind: 'netem', handle: 'c501:', parent: 'c4a0:1', packets: 2, bytes: 98, drops: 3 },
    ]);
    expect(qdiscIn(told('noqueue', 1, 0, 0xffffffff), devices)).toEqual([
      { device: 'lo', kind: 'noqueue', handle: '0:', parent: 'root', packets: 0, bytes: 0, drops: 0 },
    ]);
  });

  test('has a count of its own for more packets than 32 bits can tell', () => {
    const basic = Buffer.alloc(16);
    basic.writeUInt32LE(5, 8);
    const many = Buffer.alloc(8);
    many.writeBigUInt64LE(2n ** 32n + 5n);
    const statistics = nested(7, attribute(1, basic), attribute(8, many));
    expect(qdiscIn(told('netem', 7, 1, 2, statistics), devices)).toMatchObject([{ packets: 2 ** 32 + 5 }]);
  });

  test('of a device that has gone is left out, and so is any other message', () => {
    expect(qdiscIn(told('htb', 9, 0xc4a00000, 0xffffffff), devices)).toEqual([]);
    expect(qdiscIn({ type: 3, body: Buffer.alloc(4) }, devices)).toEqual([]);
  });
});

test('the end of a list says whether it is whole', () => {
  const end = (code: number): Received => {
    const body = Buffer.alloc(4);
    body.writeInt32LE(code);
    const [received] = messagesIn(plainMessage({ type: 3, flags: 2, sequence: 1 }, body));
    if (received === undefined) throw new Error('no message was built');
    return received;
  };
  expect([errnoOf(end(0)), errnoOf(end(-4))]).toEqual([undefined, 4]);
});

describe('nft', () => {
  test.each([
    ['a table to delete that is gone', 'delete table inet a', 'No such file or directory', true],
    [
      'a chain that a rule needs',
      'add rule inet a b accept',
      'Could not process rule: No such file or directory',
      false,
    ],
    ['a table that is taken', 'delete table inet a', 'Operation not permitted', false],
  ])('the error about %s', (_name, command, words, notFound) => {
    const error = nftError(`<cmdline>:2:1-9: Error: ${words}\n${command}\n^^^^^^^^^^^^\n`, [
      'add table inet x',
      command,
    ]);
    expect(error.message).toBe(`nft: ${words}, in: ${command}`);
    expect(error.notFound).toBe(notFound);
  });

  test('an error without words still names the commands', () => {
    expect(nftError('', ['add table inet x']).message).toContain('add table inet x');
  });
});

test('interface names are read from /proc/net/dev, also those with a colon or an at sign', () => {
  const table = 'Inter-|   Receive\n face |bytes\n    lo:     0    0\n  eth0: 1 2\neth0:1: 5 6\n';
  expect(interfaceNames(table)).toEqual(['lo', 'eth0', 'eth0:1']);
});

describe('the network namespace of a sandbox', () => {
  const spec = (path?: string) => ({ linux: { namespaces: [{ type: 'pid' }, { type: 'network', path }] } });
  test.each([
    [
      'is where the runtime keeps it',
      JSON.stringify({ pid: 7, runtimeSpec: spec('/run/netns/cni-1') }),
      '/run/netns/cni-1',
    ],
    [
      'is that of the process when the path is not said',
      JSON.stringify({ pid: 7, runtimeSpec: spec() }),
      '/proc/7/ns/net',
    ],
    ['is that of the process when there is no spec', JSON.stringify({ pid: 7 }), '/proc/7/ns/net'],
    ['is unknown without path and process', JSON.stringify({ pid: 0 }), undefined],
    ['is unknown when the runtime says nothing', undefined, undefined],
    ['is unknown when what it says is no JSON', '{', undefined],
  ])('%s', (_name, info, expected) => {
    expect(networkNamespacePath(info)).toBe(expected);
  });
});

describe('socket addresses', () => {
  test.each([
    ['10.0.0.2', '0200' + '1f90' + '0a000002' + '0000000000000000'],
    ['::1', '0a00' + '1f90' + '00000000' + '00000000000000000000000000000001' + '00000000'],
    ['fd00:1::2:3', '0a00' + '1f90' + '00000000' + 'fd000001000000000000000000020003' + '00000000'],
    ['::ffff:10.0.0.2', '0a00' + '1f90' + '00000000' + '00000000000000000000ffff0a000002' + '00000000'],
  ])('%s', (address, hex) => {
    expect(socketAddress({ address, port: 8080 }).toString('hex')).toBe(hex);
  });
});

describe('the DNS of a pod', () => {
  const info = (dns: unknown): string => JSON.stringify({ pid: 1, config: { dns_config: dns } });

  test('is what the kubelet gave the sandbox', () => {
    const dns = { servers: ['10.96.0.10'], searches: ['default.svc.cluster.local', 'A.'], options: ['ndots:5'] };
    expect(dnsView(info(dns))).toEqual({
      servers: ['10.96.0.10'],
      searches: ['default.svc.cluster.local', 'a'],
      ndots: 5,
    });
  });

  test.each([undefined, '', '{}', info({}), info({ servers: ['a b'] }), info('x'), JSON.stringify({ config: 1 })])(
    'is not known from %j',
    (text) => {
      expect(dnsView(text)).toBeUndefined();
    },
  );

  test.each([
    ['db', 5, ['db.a.test', 'db.test', 'db']],
    ['db.shop', 1, ['db.shop', 'db.shop.a.test', 'db.shop.test']],
    ['db.shop', 5, ['db.shop.a.test', 'db.shop.test', 'db.shop']],
    ['db.shop.', 5, ['db.shop']],
  ])('completes %s with ndots %d', (name, ndots, names) => {
    expect(candidates(name, { servers: [], searches: ['a.test', 'test'], ndots })).toEqual(names);
  });
});
