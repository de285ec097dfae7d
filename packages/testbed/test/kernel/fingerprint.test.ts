/** The fingerprint of a real namespace: still while nothing changes, and different for every kind of thing left behind. */
import { execFileSync } from 'node:child_process';
import { closeSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, jest } from '@jest/globals';
import { tcpListener } from '@chaosplane/daemon/sockets';
import { createLab, type Lab } from '@chaosplane/testkit';
import { differences, fingerprint } from '../../src/index.ts';

// Emulated machines are twenty times slower.
jest.setTimeout(180_000);

let lab: Lab;
/** Every test leaves the namespace as it was. */
let before: string;
beforeAll(async () => {
  lab = createLab();
  before = await fingerprint(lab.target.path);
});
afterAll(() => lab.close());

const inside = (command: string): void => {
  execFileSync('ip', ['netns', 'exec', lab.target.name, ...command.split(' ')], { stdio: 'pipe' });
};

test('it is the same two seconds later', async () => {
  await pause(2000);
  expect(differences(before, await fingerprint(lab.target.path))).toEqual([]);
  expect(before).toContain('eth0 mtu 1500');
});

test('a place where there is no namespace is refused', async () => {
  await expect(fingerprint('/run/netns/cp-nothing-here')).rejects.toThrow('no network namespace');
});

describe('what is left behind shows, and what is taken away again does not:', () => {
  const residues: [string, string[], string, string[]][] = [
    ['an nft table', ['nft add table inet left'], '+ nft: table inet left {', ['nft delete table inet left']],
    [
      'an nft set element',
      [
        'nft add table inet left',
        'nft add set inet left s { type ipv4_addr ; }',
        'nft add element inet left s { 10.1.2.3 }',
      ],
      '10.1.2.3',
      ['nft delete table inet left'],
    ],
    [
      'an iptables rule',
      ['iptables-legacy -A OUTPUT -d 10.9.9.9 -j DROP'],
      '+ iptables-legacy: -A OUTPUT -d 10.9.9.9/32 -j DROP',
      ['iptables-legacy -F OUTPUT'],
    ],
    ['an ip6tables chain', ['ip6tables-legacy -N left'], '+ ip6tables-legacy: :left -', ['ip6tables-legacy -X left']],
    [
      'an ipset',
      ['ipset create left hash:ip', 'ipset add left 10.9.9.9'],
      '+ ipset: add left 10.9.9.9',
      ['ipset destroy left'],
    ],
    [
      'a root qdisc',
      ['tc qdisc add dev eth0 root handle c4a0: htb default 0'],
      'htb c4a0:',
      ['tc qdisc del dev eth0 root'],
    ],
    [
      'a class',
      [
        'tc qdisc add dev eth0 root handle c4a0: htb',
        'tc class add dev eth0 parent c4a0: classid c4a0:1 htb rate 1gbit',
      ],
      'eth0 class htb c4a0:1',
      ['tc qdisc del dev eth0 root'],
    ],
    ['an ingress qdisc', ['tc qdisc add dev eth0 ingress'], 'qdisc ingress', ['tc qdisc del dev eth0 ingress']],
    [
      'a filter',
      [
        'tc qdisc add dev eth0 ingress',
        'tc filter add dev eth0 ingress protocol ip prio 9 u32 match u32 0 0 flowid 1:1',
      ],
      'pref 9 u32',
      ['tc qdisc del dev eth0 ingress'],
    ],
    ['an ifb link', ['ip link add cpifb0 type ifb'], '+ links: cpifb0 linkinfo.info_kind ifb', ['ip link del cpifb0']],
    [
      'a transmit queue length',
      ['ip link set eth0 txqueuelen 7'],
      '+ links: eth0 txqlen 7',
      ['ip link set eth0 txqueuelen 1000'],
    ],
    ['an MTU', ['ip link set eth0 mtu 1400'], '+ links: eth0 mtu 1400', ['ip link set eth0 mtu 1500']],
    ['an address', ['ip address add 10.88.0.1/32 dev eth0'], '10.88.0.1', ['ip address del 10.88.0.1/32 dev eth0']],
    [
      'an IPv6 address',
      ['ip address add fd88::1/128 dev eth0 nodad'],
      'fd88::1',
      ['ip address del fd88::1/128 dev eth0'],
    ],
    [
      'a route in another table',
      ['ip route add local default dev lo table 1196'],
      '+ routes: local default dev lo table 1196',
      ['ip route del local default dev lo table 1196'],
    ],
    [
      'an IPv6 route',
      ['ip -6 route add fd99::/64 dev eth0'],
      '+ routes v6: fd99::/64',
      ['ip -6 route del fd99::/64 dev eth0'],
    ],
    ['a rule', ['ip rule add fwmark 1 lookup 1196'], '+ rules: ', ['ip rule del fwmark 1 lookup 1196']],
    ['an IPv6 rule', ['ip -6 rule add fwmark 1 lookup 1196'], '+ rules v6: ', ['ip -6 rule del fwmark 1 lookup 1196']],
  ];

  test.each(residues)('%s', async (_what, leave, expected, takeAway) => {
    for (const command of leave) inside(command);
    const changed = differences(before, await fingerprint(lab.target.path));
    expect(changed.join('\n')).toContain(expected);
    for (const command of takeAway) inside(command);
    expect(differences(before, await fingerprint(lab.target.path))).toEqual([]);
  });

  test('a sysctl', async () => {
    const set = (value: string): void => {
      lab.target.netns.within(() => writeFileSync('/proc/sys/net/ipv4/conf/eth0/arp_announce', value));
    };
    set('2');
    const changed = differences(before, await fingerprint(lab.target.path));
    expect(changed).toContain('+ sysctls: ipv4/conf/eth0/arp_announce = 2');
    set('0');
    expect(differences(before, await fingerprint(lab.target.path))).toEqual([]);
  });

  test.each(['10.77.0.1', 'fd77::1'])('a listening socket on %s', async (address) => {
    const fd = tcpListener(lab.target.netns, { address, port: 8099 });
    const changed = differences(before, await fingerprint(lab.target.path));
    expect(changed).toEqual([expect.stringMatching(/^\+ sockets: tcp LISTEN .*:8099/)]);
    closeSync(fd);
    expect(differences(before, await fingerprint(lab.target.path))).toEqual([]);
  });
});
