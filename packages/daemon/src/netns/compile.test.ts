import { describe, expect, test } from '@jest/globals';
import { compile } from './compile.ts';
import type { Direction, Effect, Layer, Scope } from '../model/layer.ts';
import { parseTable } from './inventory.ts';
import { markOf } from './names.ts';
import type { PlacedLayer } from './placed-layer.ts';
import { inventoryOf, transaction } from '../nft/ruleset.ts';
import { addCommands } from './shaping.ts';

const scope = (change: Partial<Scope> = {}): Scope => ({
  directions: ['egress'],
  peers: [],
  ports: [],
  interfaces: ['eth0'],
  ...change,
});
const delay: Effect = { kind: 'delay', latencyMs: 100, jitterMs: 10, correlationPercent: 0 };
const loss = (percent: number): Effect => ({ kind: 'loss', percent, correlationPercent: 0 });
const layer = (id: string, effect: Effect, change: Partial<Scope> = {}): Layer => ({
  id,
  scope: scope(change),
  effect,
});
const placed = (from: Layer, change: Partial<PlacedLayer> = {}): PlacedLayer => ({
  layer: from,
  engine: from.effect.kind === 'delay' ? 'netem' : 'nft',
  hooks: 'netdev',
  mark: from.effect.kind === 'delay' ? markOf(0) : 0,
  remainingMs: 60_000,
  ...change,
});
const script = (layers: readonly PlacedLayer[]): string => transaction(new Map(), compile(layers).tables).join('\n');

describe('compile', () => {
  test('a partition of one peer in both directions is two hooks that drop', () => {
    const peers = [{ family: 4, address: '10.1.0.0', prefix: 16 }] as const;
    expect(
      script([placed(layer('la', { kind: 'partition', how: 'silent' }, { directions: ['egress', 'ingress'], peers }))]),
    ).toBe(
      `add table netdev chaosplane
add counter netdev chaosplane la_matched
add counter netdev chaosplane la_dropped
add set netdev chaosplane la_live { typeof meta protocol ; flags timeout ; }
add element netdev chaosplane la_live { ip timeout 60s0ms, ip6 timeout 60s0ms }
add set netdev chaosplane la_peers4 { type ipv4_addr ; flags interval ; auto-merge ; }
add element netdev chaosplane la_peers4 { 10.1.0.0/16 }
add chain netdev chaosplane la_hit
add chain netdev chaosplane la_egress
add chain netdev chaosplane la_ingress
add chain netdev chaosplane egress_eth0 { type filter hook egress device "eth0" priority 0 ; }
add chain netdev chaosplane ingress_eth0 { type filter hook ingress device "eth0" priority 0 ; }
add rule netdev chaosplane la_hit counter name la_matched
add rule netdev chaosplane la_hit counter name la_dropped fwd to 0
add rule netdev chaosplane la_egress ip daddr != @la_peers4 return
add rule netdev chaosplane la_egress meta protocol ip6 return
add rule netdev chaosplane la_egress goto la_hit
add rule netdev chaosplane la_ingress ip saddr != @la_peers4 return
add rule netdev chaosplane la_ingress meta protocol ip6 return
add rule netdev chaosplane la_ingress goto la_hit
add rule netdev chaosplane egress_eth0 icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-query, mld-listener-report, mld-listener-done, mld2-listener-report } accept
add rule netdev chaosplane egress_eth0 meta protocol @la_live jump la_egress
add rule netdev chaosplane ingress_eth0 icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-query, mld-listener-report, mld-listener-done, mld2-listener-report } accept
add rule netdev chaosplane ingress_eth0 meta protocol @la_live jump la_ingress`,
    );
  });

  test('a loss on ports of a pod whose probes are spared', () => {
    const rules = compile([
      placed(
        layer('lb', loss(30), {
          ports: [
            { from: 80, to: 80 },
            { from: 9000, to: 9010 },
          ],
          spared: { addresses: [{ family: 4, address: '10.0.0.1', prefix: 32 }], ports: [8080, 8081] },
        }),
      ),
    ]).tables.flatMap((table) => table.chains.flatMap((chain) => chain.rules.map((rule) => `${chain.name}: ${rule}`)));
    expect(rules.slice(0, 12)).toEqual([
      'lb_hit_act: ip frag-off & 0x3fff == 0x2000 update @lb_frags4 { ip saddr . ip daddr . ip id . ip protocol }',
      'lb_hit_act: frag frag-off == 0 frag more-fragments == 1 update @lb_frags6 { ip6 saddr . ip6 daddr . frag id }',
      'lb_hit_act: counter name lb_dropped fwd to 0',
      'lb_hit_rest: fwd to 0',
      'lb_hit: counter name lb_matched',
      'lb_hit: numgen random mod 100000 < 30000 goto lb_hit_act',
      'lb_egress: ip frag-off & 0x1fff != 0 ip saddr . ip daddr . ip id . ip protocol @lb_frags4 goto lb_hit_rest',
      'lb_egress: frag frag-off != 0 ip6 saddr . ip6 daddr . frag id @lb_frags6 goto lb_hit_rest',
      'lb_egress: ip daddr { 10.0.0.1 } tcp sport { 8080, 8081 } return',
      'lb_egress: meta l4proto != { tcp, udp } return',
      'lb_egress: th dport { 80, 9000-9010 } goto lb_hit',
      'lb_egress: th sport { 80, 9000-9010 } goto lb_hit',
    ]);
  });

  test('peers with ports of their own have a set and a rule for each kind, and the ports are at their end', () => {
    const v4 = (address: string) => ({ family: 4, address, prefix: 32 }) as const;
    const web = [{ from: 80, to: 80 }];
    const [table] = compile([
      placed(
        layer(
          'lh',
          { kind: 'partition', how: 'silent' },
          {
            directions: ['egress', 'ingress'],
            peers: [v4('10.0.0.9')],
            portPeers: [
              { cidr: v4('10.96.0.1'), ports: web, protocol: 'tcp' },
              { cidr: { family: 6, address: 'fd00::1', prefix: 128 }, ports: web, protocol: 'tcp' },
              { cidr: v4('10.96.0.2'), ports: [{ from: 53, to: 54 }] },
              { cidr: v4('10.96.0.3'), ports: [], protocol: 'udp' },
              { cidr: v4('10.96.0.4'), ports: web, protocol: 'tcp' },
            ],
            protocol: 'tcp',
          },
        ),
      ),
    ]).tables;
    expect(table?.sets.slice(1).map(({ name, elements }) => `${name}: ${elements.join(', ')}`)).toEqual([
      'lh_peers4: 10.0.0.9',
      'lh_peers4_1: 10.96.0.1, 10.96.0.4',
      'lh_peers6_1: fd00::1',
      'lh_peers4_2: 10.96.0.2',
      'lh_peers4_3: 10.96.0.3',
      'lh_frags4: ',
      'lh_frags6: ',
    ]);
    const rules = table?.chains.flatMap(({ name, rules: own }) => own.map((rule) => `${name}: ${rule}`)) ?? [];
    expect(rules.filter((rule) => /^lh_(egress|ingress)/.test(rule) && !rule.includes('frag'))).toEqual([
      'lh_egress: ip daddr @lh_peers4 goto lh_egress_peer',
      'lh_egress: ip daddr @lh_peers4_1 tcp dport { 80 } goto lh_egress_peer',
      'lh_egress: ip6 daddr @lh_peers6_1 tcp dport { 80 } goto lh_egress_peer',
      'lh_egress: ip daddr @lh_peers4_2 meta l4proto { tcp, udp } th dport { 53-54 } goto lh_egress_peer',
      'lh_egress: ip daddr @lh_peers4_3 meta l4proto udp goto lh_egress_peer',
      'lh_egress_peer: meta l4proto != tcp return',
      'lh_egress_peer: goto lh_hit',
      'lh_ingress: ip saddr @lh_peers4 goto lh_ingress_peer',
      'lh_ingress: ip saddr @lh_peers4_1 tcp sport { 80 } goto lh_ingress_peer',
      'lh_ingress: ip6 saddr @lh_peers6_1 tcp sport { 80 } goto lh_ingress_peer',
      'lh_ingress: ip saddr @lh_peers4_2 meta l4proto { tcp, udp } th sport { 53-54 } goto lh_ingress_peer',
      'lh_ingress: ip saddr @lh_peers4_3 meta l4proto udp goto lh_ingress_peer',
      'lh_ingress_peer: meta l4proto != tcp return',
      'lh_ingress_peer: goto lh_hit',
    ]);
  });

  test.each([
    [100, 'counter name lb_dropped fwd to 0'],
    [0.0001, 'numgen random mod 100000 < 1 counter name lb_dropped fwd to 0'],
  ])('a loss of %d percent is a rule that nft takes', (percent, rule) => {
    const [table] = compile([placed(layer('lb', loss(percent)))]).tables;
    expect(table?.chains.find(({ name }) => name === 'lb_hit')?.rules).toEqual(['counter name lb_matched', rule]);
  });

  test('two delays that overlap are three classes, whose leaf adds the delays up', () => {
    const both = compile([
      placed(layer('lc', delay)),
      placed(layer('ld', { ...delay, latencyMs: 50, jitterMs: 0 }, { protocol: 'udp' }), { mark: markOf(1) }),
    ]);
    expect([...(both.trees.get('eth0')?.leaves ?? [])].map(([name, leaf]) => `${name} ${leaf.qdisc}`)).toEqual([
      'c4a0:1 netem delay 100000us 10000us limit 1213',
      'c4a0:2 netem delay 50000us limit 1213',
      'c4a0:3 netem delay 150000us 10000us limit 1213',
    ]);
    const steer = both.tables[0]?.chains.find((chain) => chain.name === 'steer');
    expect(steer?.rules).toEqual([
      'meta priority set meta mark and 0x00030000 map { 0x00010000 : c4a0:1, 0x00020000 : c4a0:2, 0x00030000 : c4a0:3 }',
      'meta mark set meta mark and 0xfffcffff',
    ]);
  });

  test('what is dropped is dropped before it is counted as delayed, in any order the faults came', () => {
    const [table] = compile([placed(layer('le', delay)), placed(layer('lf', loss(1)))]).tables;
    const base = table?.chains
      .find((chain) => chain.name === 'egress_eth0')
      ?.rules.filter((rule) => rule.includes('jump'));
    expect(base).toEqual([
      'meta protocol @lf_live jump lf_egress',
      'meta protocol @le_live jump le_egress',
      'meta mark and 0x00010000 != 0 jump steer',
    ]);
  });

  test('the queue engine marks in postrouting and leaves the bits to the queue', () => {
    const desired = compile([placed(layer('lg', delay), { engine: 'queue', hooks: 'inet' })]);
    expect(desired.trees.size).toBe(0);
    expect(desired.queue).toEqual({
      mask: 0x00ff0000,
      layers: [{ bit: 0x10000, latencyMs: 100, jitterMs: 10, correlationPercent: 0, corrupts: false }],
    });
    const base = desired.tables[0]?.chains.find((chain) => chain.hook !== undefined);
    expect(base).toEqual({
      name: 'postrouting_eth0',
      hook: 'type filter hook postrouting priority 150 ;',
      rules: [
        'icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-query, mld-listener-report, mld-listener-done, mld2-listener-report } accept',
        'oifname "eth0" meta mark and 0x00ff0000 != 0 meta mark set meta mark and 0xff00ffff',
        'oifname "eth0" meta protocol @lg_live jump lg_egress',
      ],
    });
  });

  test('what the pod sends waits in a TAP device for each layer, one after the other, and what it receives in the queue', () => {
    const both = { directions: ['egress', 'ingress'] } as const;
    const layers = [
      placed(layer('la', delay, both), { engine: 'tap', hooks: 'inet' }),
      placed(layer('lb', delay), { engine: 'tap', hooks: 'inet', mark: markOf(1) }),
      placed(layer('lc', { kind: 'bandwidth', rateBits: 8000, burstBytes: 1500, latencyMs: 50 }), {
        engine: 'htb',
        mark: markOf(2),
      }),
    ];
    const desired = compile(layers, new Map([['eth0', { index: 7, mtu: 1500 }]]));
    expect(
      desired.taps.map(({ name, device, bit, returnPriority }) => ({ name, device, bit, returnPriority })),
    ).toEqual([
      { name: 'cptap0-7', device: 'eth0', bit: 0x10000, returnPriority: 0xc4a0f000 },
      { name: 'cptap1-7', device: 'eth0', bit: 0x20000, returnPriority: 0xc4a0f010 },
    ]);
    expect(desired.queue?.layers.map(({ bit }) => bit)).toEqual([0x10000]);
    const [netdev, inet] = desired.tables;
    expect(inet?.chains.filter(({ hook }) => hook !== undefined).map(({ name, hook }) => [name, hook])).toEqual([
      ['prerouting_eth0', 'type filter hook prerouting priority -250 ;'],
    ]);
    const steps = netdev?.chains.filter(({ name }) => /eth0$/.test(name)) ?? [];
    expect(
      steps.map(({ name, hook = '', rules }) => [
        `${name} ${hook}`,
        ...rules.filter((rule) => !rule.startsWith('icmpv6')),
      ]),
    ).toEqual([
      [
        'waits_eth0 ',
        'meta mark set meta mark and 0xfb00ffff',
        'meta protocol @la_live jump la_egress',
        'meta mark and 0x00010000 != 0 accept',
        'meta protocol @lb_live jump lb_egress',
        'meta mark and 0x00020000 != 0 accept',
      ],
      [
        'la_after_eth0 ',
        'meta priority set none',
        'meta protocol @lb_live jump lb_egress',
        'meta mark and 0x00020000 != 0 accept',
      ],
      ['lb_after_eth0 ', 'meta priority set none'],
      [
        'egress_eth0 type filter hook egress device "eth0" priority 0 ;',
        'meta priority c4a0:f000 goto la_after_eth0',
        'meta priority c4a0:f010 goto lb_after_eth0',
        'goto waits_eth0',
      ],
      [
        'trees_eth0 type filter hook egress device "eth0" priority 2 ;',
        'meta mark set meta mark and 0xff00ffff',
        'meta protocol @lc_live jump lc_egress',
        'meta mark and 0x00040000 != 0 jump steer',
      ],
    ]);
  });

  test('a partition that refuses does so before packets are on their way out, and before NAT', () => {
    const layers = [
      placed(layer('la', { kind: 'partition', how: 'reset' }, { directions: ['egress', 'ingress'] }), {
        hooks: 'inet',
      }),
      placed(layer('lb', { kind: 'partition', how: 'unreachable' }), { hooks: 'inet' }),
    ];
    const [table] = compile(layers).tables;
    const chain = (wanted: string) => table?.chains.find(({ name }) => name === wanted);
    expect(table?.family).toBe('inet');
    expect(chain('refuse_output_eth0')?.hook).toBe('type filter hook output priority -160 ;');
    expect(chain('refuse_prerouting_eth0')?.hook).toBe('type filter hook prerouting priority -160 ;');
    expect(chain('la_hit')?.rules).toEqual([
      'counter name la_matched',
      'counter name la_dropped',
      'meta l4proto tcp reject with tcp reset',
      'reject with icmpx type host-unreachable',
    ]);
    expect(chain('lb_hit')?.rules.at(-1)).toBe('reject with icmpx type host-unreachable');
  });

  test('in the inet hooks, a silent partition sends packets to the queue that has no listener', () => {
    const how: Effect = { kind: 'partition', how: 'silent' };
    const rules = (sink: boolean) =>
      compile([placed(layer('la', how), { hooks: 'inet', sink })]).tables[0]?.chains.find(
        ({ name }) => name === 'la_hit',
      )?.rules[1];
    expect(rules(true)).toBe('counter name la_dropped queue num 50337');
    expect(rules(false)).toBe('counter name la_dropped drop');
  });

  test('two interfaces have their chains each, and what stands on one of them is not hit twice', () => {
    const interfaces = ['eth0', 'eth0.5'];
    const known = new Map([
      ['eth0', { index: 2, mtu: 1500, carries: { vlans: true, addresses: ['02:42:00:00:00:09'] } }],
      ['eth0.5', { index: 3, mtu: 1500 }],
    ]);
    const ways = { directions: ['egress', 'ingress'], interfaces } as const;
    const [table] = compile([placed(layer('la', loss(10), ways))], known).tables;
    const base = table?.chains.filter(({ hook }) => hook !== undefined) ?? [];
    expect(base.map(({ name, rules }) => [name, ...rules.slice(1)])).toEqual([
      [
        'egress_eth0',
        'vlan id 0-4095 meta priority set none accept',
        'ether saddr { 02:42:00:00:00:09 } meta priority set none accept',
        'meta protocol @la_live jump la_egress',
      ],
      ['egress_eth0.5', 'meta protocol @la_live jump la_egress'],
      [
        'ingress_eth0',
        'vlan id 0-4095 accept',
        'ether daddr { 02:42:00:00:00:09 } accept',
        'meta protocol @la_live jump la_ingress',
      ],
      ['ingress_eth0.5', 'meta protocol @la_live jump la_ingress'],
    ]);
  });

  const devices = new Map([
    ['eth0', { index: 7, mtu: 1500 }],
    ['cpifb-eth0', { index: 9, mtu: 1500 }],
  ]);
  const rulesOf = (layers: readonly PlacedLayer[]): string[] =>
    compile(layers, devices).tables.flatMap(({ chains }) =>
      chains.flatMap(({ name, rules }) =>
        rules.filter((rule) => !rule.startsWith('icmpv6')).map((rule) => `${name}: ${rule}`),
      ),
    );

  test('a copy skips what drops and copies, and is shaped like its original', () => {
    const twice: Effect = { kind: 'duplicate', percent: 30, correlationPercent: 0 };
    expect(rulesOf([placed(layer('ld', delay)), placed(layer('lu', twice)), placed(layer('ll', loss(10)))])).toEqual([
      'll_hit: counter name ll_matched',
      'll_hit: numgen random mod 100000 < 10000 counter name ll_dropped fwd to 0',
      'll_egress: goto ll_hit',
      'lu_hit_egress: counter name lu_matched',
      'lu_hit_egress: numgen random mod 100000 < 30000 counter name lu_duplicated meta mark set meta mark or 0x04000000',
      'lu_hit_egress: meta mark and 0x04000000 != 0 meta oif 7 dup to 7',
      'lu_hit_egress: meta mark set meta mark and 0xfbffffff',
      'lu_egress: goto lu_hit_egress',
      'ld_hit: counter name ld_matched',
      'ld_hit: meta mark set meta mark or 0x00010000',
      'ld_egress: goto ld_hit',
      'steer: meta priority set meta mark and 0x00010000 map { 0x00010000 : c4a0:1 }',
      'steer: meta mark set meta mark and 0xfffeffff',
      'egress_eth0: meta mark and 0x04000000 != 0 goto shape_eth0',
      'egress_eth0: meta protocol @ll_live jump ll_egress',
      'egress_eth0: meta protocol @lu_live jump lu_egress',
      'egress_eth0: goto shape_eth0',
      'shape_eth0: meta mark set meta mark and 0xfb00ffff',
      'shape_eth0: meta protocol @ld_live jump ld_egress',
      'shape_eth0: meta mark and 0x00010000 != 0 jump steer',
    ]);
  });

  test('what comes in is steered and copied by way of an IFB device, and dropped before that', () => {
    const twice: Effect = { kind: 'duplicate', percent: 100, correlationPercent: 0 };
    const ingress = { directions: ['ingress'] } as const;
    const layers = [
      placed(layer('ld', delay, ingress)),
      placed(layer('lu', twice, ingress)),
      placed(layer('lp', { kind: 'partition', how: 'silent' }, ingress)),
    ];
    expect(rulesOf(layers).filter((rule) => !/^l[dup]_/.test(rule))).toEqual([
      'steer: meta priority set meta mark and 0x00010000 map { 0x00010000 : c4a0:1 }',
      'steer: meta mark set meta mark and 0xfffeffff',
      'ingress_eth0: meta mark and 0x04ff0000 != 0 meta mark set meta mark and 0xfb00ffff',
      'ingress_eth0: meta protocol @lp_live jump lp_ingress',
      'ingress_eth0: meta protocol @lu_live jump lu_ingress',
      'ingress_eth0: meta protocol @ld_live jump ld_ingress',
      'ingress_eth0: meta mark and 0x04010000 != 0 goto divert_eth0',
      'divert_eth0: jump steer',
      'divert_eth0: fwd to 9',
      'copy_eth0: meta mark and 0x04000000 != 0 meta mark set meta mark and 0xfbffffff dup to 9',
    ]);
    const desired = compile(layers, devices);
    expect(desired.ifbs).toEqual(['cpifb-eth0']);
    expect([...desired.trees.keys()]).toEqual(['cpifb-eth0']);
  });

  test('a device that is not there yet is named, for a dry run', () => {
    const rules = compile([placed(layer('ld', delay, { directions: ['ingress'] }))]).tables[0]?.chains;
    expect(rules?.find(({ name }) => name === 'divert_eth0')?.rules).toContain('fwd to "cpifb-eth0"');
  });

  test('bandwidths that overlap: each has a class, and what is in both is in that of the tightest', () => {
    const limit = (rateBits: number): Effect => ({ kind: 'bandwidth', rateBits, burstBytes: 15_000, latencyMs: 50 });
    const tree = compile(
      [
        placed(layer('la', limit(20_000_000)), { engine: 'htb', mark: markOf(0) }),
        placed(layer('lb', limit(5_000_000)), { engine: 'htb', mark: markOf(1) }),
        placed(layer('lc', { ...delay, jitterMs: 0 }), { mark: markOf(2) }),
      ],
      devices,
    ).trees.get('eth0');
    expect([...(tree?.limits ?? [])]).toEqual([
      ['c4a0:101', 'rate 20000000bit ceil 20000000bit burst 15000 cburst 15000 quantum 25000'],
      ['c4a0:102', 'rate 5000000bit ceil 5000000bit burst 15000 cburst 15000 quantum 6250'],
    ]);
    expect([...(tree?.leaves ?? [])].map(([name, { parent, qdisc }]) => `${parent} ${name} ${qdisc}`)).toEqual([
      'c4a0:101 c4a0:1 tbf rate 100gbit burst 1600 limit 125000',
      'c4a0:102 c4a0:2 tbf rate 100gbit burst 1600 limit 31250',
      'c4a0:102 c4a0:3 tbf rate 100gbit burst 1600 limit 31250',
      'c4a0: c4a0:4 netem delay 100000us limit 520',
      'c4a0:101 c4a0:5 netem delay 100000us limit 270',
      'c4a0:102 c4a0:6 netem delay 100000us limit 83',
      'c4a0:102 c4a0:7 netem delay 100000us limit 83',
    ]);
  });

  test('a fast limit takes packets of 64 KiB whole where it has room for two, a slow one splits them', () => {
    const queue = (rateBits: number, latencyMs: number, direction: Direction = 'egress'): string | undefined => {
      const effect: Effect = { kind: 'bandwidth', rateBits, burstBytes: 15_000, latencyMs };
      const limited = placed(layer('la', effect, { directions: [direction] }), { engine: 'htb', mark: markOf(0) });
      const device = direction === 'egress' ? 'eth0' : 'cpifb-eth0';
      return compile([limited], devices).trees.get(device)?.leaves.get('c4a0:1')?.qdisc;
    };
    expect(queue(100_000_000, 50)).toBe('bfifo limit 555000');
    expect(queue(100_000_000, 10)).toBe('tbf rate 100gbit burst 1600 limit 125000');
    // Whole, one would be there 56 ms too soon, and what is behind it wait for so long.
    expect(queue(10_000_000, 168)).toBe('tbf rate 100gbit burst 1600 limit 210000');
    expect(queue(64_000, 200)).toBe('tbf rate 100gbit burst 1600 limit 1600');
    // What comes in is always split, up to a rate where that would cost too much.
    expect(queue(100_000_000, 50, 'ingress')).toBe('tbf rate 100gbit burst 1600 limit 625000');
    expect(queue(5_000_000_000, 50, 'ingress')).toBe('bfifo limit 31180000');
    // 100 gbit for a minute would be 750 GB of memory.
    expect(queue(100_000_000_000, 60_000)).toBe('bfifo limit 67108864');
  });

  test('a queue that takes packets whole has a handle of its own, so that it may take the place of one that splits', () => {
    const of = (rateBits: number): PlacedLayer =>
      placed(layer('la', { kind: 'bandwidth', rateBits, burstBytes: 15_000, latencyMs: 50 }), {
        engine: 'htb',
        mark: markOf(0),
      });
    const [before, after] = [1e6, 1e8].map((rate) => compile([of(rate)], devices).trees.get('eth0'));
    expect(after === undefined ? [] : addCommands('eth0', before, after).at(-1)).toBe(
      'qdisc replace dev eth0 parent c4a0:1 handle c601: bfifo limit 555000',
    );
  });

  test('leaves that delay share the memory that a namespace may take, for packets of any size', () => {
    const largest = 72 * 1024;
    const held = (count: number, directions: Layer['scope']['directions']): number =>
      [
        ...compile(
          Array.from({ length: count }, (_, index) =>
            placed(layer(`l${index}`, delay, { directions }), { mark: markOf(index) }),
          ),
        ).trees.values(),
      ]
        .flatMap(({ leaves }) => [...leaves.values()])
        .reduce((sum, { qdisc }) => sum + largest * Number(/ limit (\d+)/.exec(qdisc)?.[1]), 0);
    for (let count = 1; count <= 5; count++) {
      expect(held(count, ['egress'])).toBeLessThanOrEqual(256 * 2 ** 20);
      expect(held(count, ['egress', 'ingress'])).toBeLessThanOrEqual(256 * 2 ** 20);
    }
  });

  test('a corruption is diced by nft and done by a leaf that corrupts all it gets', () => {
    const corrupt: Effect = { kind: 'corrupt', percent: 12.5, correlationPercent: 0 };
    const corrupting = placed(layer('lk', corrupt), { engine: 'netem', mark: markOf(0) });
    expect(rulesOf([corrupting])).toContain(
      'lk_hit: numgen random mod 100000 < 12500 counter name lk_corrupted meta mark set meta mark or 0x00010000',
    );
    expect(compile([corrupting]).trees.get('eth0')?.leaves.get('c4a0:1')?.qdisc).toBe('netem corrupt 100% limit 3640');
  });

  test('a correlation is a cycle of bursts', () => {
    const [table] = compile([placed(layer('lb', { kind: 'loss', percent: 50, correlationPercent: 100 }))]).tables;
    const [, rule = ''] = table?.chains.find(({ name }) => name === 'lb_hit')?.rules ?? [];
    expect(rule).toBe('numgen inc mod 4096 { 2048-4095 } counter name lb_dropped fwd to 0');
  });

  test('no layers are no tables, no trees, no queue', () => {
    expect(compile([])).toEqual({ tables: [], ifbs: [], trees: new Map(), taps: [] });
  });
});

describe('transaction', () => {
  const a = placed(layer('la', { kind: 'partition', how: 'silent' }));
  const b = placed(
    layer('lb', { kind: 'partition', how: 'silent' }, { peers: [{ family: 4, address: '10.0.0.1', prefix: 32 }] }),
  );
  const tables = (...layers: PlacedLayer[]) => compile(layers).tables;

  test('a second layer leaves the counters and the peers of the first alone', () => {
    const commands = transaction(inventoryOf(tables(b)), tables(b, a));
    expect(
      commands.filter((command) => /counter \S+ \S+ lb|lb_peers4 \{/.test(command) && !command.startsWith('add rule')),
    ).toEqual([]);
    expect(commands).toContain('add counter netdev chaosplane la_matched');
    expect(commands).toContain('flush chain netdev chaosplane lb_hit');
  });

  test('removing one of two layers deletes what it owned, and nothing else', () => {
    const commands = transaction(inventoryOf(tables(a, b)), tables(a));
    expect(commands.filter((command) => command.startsWith('delete'))).toEqual([
      'delete chain netdev chaosplane lb_hit',
      'delete chain netdev chaosplane lb_egress',
      'delete set netdev chaosplane lb_live',
      'delete set netdev chaosplane lb_peers4',
      'delete counter netdev chaosplane lb_matched',
      'delete counter netdev chaosplane lb_dropped',
    ]);
  });

  test('a device that was made again gets its hooks again, and only these', () => {
    const commands = transaction(inventoryOf(tables(a, b)), tables(a, b), new Set(['eth0']));
    const hooks = commands.filter((command) => /^(delete|add) chain/.test(command));
    expect(hooks).toEqual([
      'delete chain netdev chaosplane egress_eth0',
      'add chain netdev chaosplane egress_eth0 { type filter hook egress device "eth0" priority 0 ; }',
    ]);
  });

  test('removing the last layer deletes the table', () => {
    expect(transaction(inventoryOf(tables(a)), [])).toEqual(['delete table netdev chaosplane']);
  });
});

test('a name that another program put into our table never becomes part of a command', () => {
  const found = parseTable(
    'table netdev chaosplane {\n\tchain x;include"/proc/kmsg" {\n\t}\n\tset l1_live {\n\t}\n}\n',
  );
  const tables = compile([placed(layer('la', { kind: 'partition', how: 'silent' }))]).tables;
  const commands = transaction(new Map([['netdev chaosplane', found]]), tables);
  expect(commands[0]).toBe('delete table netdev chaosplane');
  expect(commands.join('\n')).not.toContain('include');
});
