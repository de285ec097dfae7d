/** What programs, the kernel and the container runtime print, read. */
import { describe, expect, test } from '@jest/globals';
import { linkIn } from './kernel/links.ts';
import {
  attribute,
  errnoOf,
  messagesIn,
  nested,
  plainMessage,
  zeroTerminated,
  type Received,
} from './kernel/netlink.ts';
import { nftError } from './kernel/nft.ts';
import { qdiscIn } from './kernel/qdiscs.ts';
import { retryIn } from './kernel/sock-diag.ts';
import { candidates } from './dns.ts';
import { dnsView, networkNamespacePath } from './runtime/sandbox-info.ts';
import { socketAddress } from './kernel/sockets.ts';

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
    queue.writeUInt32LE(5, 0);
    queue.writeUInt32LE(700, 4);
    queue.writeUInt32LE(3, 8);
    const statistics = nested(7, attribute(1, basic), attribute(3, queue));
    expect(qdiscIn(told('netem', 7, 0xc5010000, 0xc4a00001, statistics), devices)).toEqual([
      {
        device: 'eth0',
        kind: 'netem',
        handle: 'c501:',
        parent: 'c4a0:1',
        packets: 2,
        bytes: 98,
        drops: 3,
        heldPackets: 5,
        heldBytes: 700,
      },
    ]);
    expect(qdiscIn(told('noqueue', 1, 0, 0xffffffff), devices)).toEqual([
      {
        device: 'lo',
        kind: 'noqueue',
        handle: '0:',
        parent: 'root',
        packets: 0,
        bytes: 0,
        drops: 0,
        heldPackets: 0,
        heldBytes: 0,
      },
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

describe('a message about a TCP socket', () => {
  const told = (timer: number, retries: number, expiresMs: number): Received => {
    const body = Buffer.alloc(72);
    Buffer.from([2, 1, timer, retries]).copy(body);
    body.writeUInt32LE(expiresMs, 52);
    const [received] = messagesIn(plainMessage({ type: 20, flags: 2, sequence: 1 }, body));
    if (received === undefined) throw new Error('no message was built');
    return received;
  };
  test.each([
    ['one that has sent again, and waits to do so once more', told(1, 5, 47_000), 47_000],
    ['one whose first answer is still to come', told(1, 0, 200), undefined],
    ['one that asks whether the window is open again', told(4, 3, 900), 900],
    ['an idle one, kept alive', told(2, 1, 7_200_000), undefined],
    ['another message', { type: 3, sequence: 1, body: Buffer.alloc(4) }, undefined],
  ])('tells when %s does', (_name, received, expected) => {
    expect(retryIn(received)).toBe(expected);
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

describe('a message about a link', () => {
  const number = (value: number): Buffer => {
    const data = Buffer.alloc(4);
    data.writeUInt32LE(value);
    return data;
  };
  const link = (type: number, flags: number, ...attributes: Buffer[]) => {
    const head = Buffer.alloc(16);
    head.writeUInt16LE(type, 2);
    head.writeInt32LE(7, 4);
    head.writeUInt32LE(flags, 8);
    return { type: 16, body: Buffer.concat([head, ...attributes]) };
  };
  const [name, mac] = [attribute(3, zeroTerminated('eth0.5')), attribute(1, Buffer.from([2, 66, 0, 0, 0, 9]))];
  const kind = (word: string): Buffer => nested(18, attribute(1, zeroTerminated(word)));

  test('tells what stands on another device of the namespace', () => {
    expect(linkIn(link(1, 1, name, mac, attribute(4, number(1500)), attribute(5, number(2)), kind('vlan')))).toEqual({
      name: 'eth0.5',
      index: 7,
      mtu: 1500,
      txQueueLength: 0,
      txDropped: 0,
      up: true,
      ethernet: true,
      mac: '02:42:00:00:00:09',
      kind: 'vlan',
      standsOn: 2,
    });
  });

  test.each([
    ['a veth, whose other end is no device below it', link(1, 1, name, attribute(5, number(2)), kind('veth'))],
    [
      'a macvlan on a device of another namespace',
      link(1, 1, name, attribute(5, number(2)), attribute(37, number(0)), kind('macvlan')),
    ],
  ])('of %s has nothing that it stands on', (_name, message) => {
    expect(linkIn(message)).not.toHaveProperty('standsOn');
  });

  test('of a loopback is of no Ethernet, and has no MAC address', () => {
    expect(linkIn(link(772, 1, attribute(3, zeroTerminated('lo')), mac))).toMatchObject({
      name: 'lo',
      ethernet: false,
    });
    expect(linkIn(link(772, 1, attribute(3, zeroTerminated('lo')), mac))).not.toHaveProperty('mac');
  });
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
