/** What netem cannot do, and what is done about it. */
import { describe, expect, test } from '@jest/globals';
import type { HostCapability } from '../contract/host.ts';
import type { Effect, Layer } from '../model/layer.ts';
import { beyondNetem, beyondNetemTogether } from './netem-limits.ts';
import { place } from './placement.ts';

const delay = (latencyMs: number, jitterMs = 0, correlationPercent = 0): Effect => {
  return { kind: 'delay', latencyMs, jitterMs, correlationPercent };
};

describe('netem', () => {
  test.each([
    ['a delay', delay(200, 20), undefined],
    ['one without variation, which it calls a correlation of 100 %', delay(200, 20, 100), undefined],
    ['a loss, which nft makes', { kind: 'loss', percent: 10, correlationPercent: 50 } as const, undefined],
    ['a correlation in between', delay(200, 20, 90), /^a correlation of 90 % has no effect in netem/],
    ['more jitter than it has bits for', delay(5000, 2200), /^a jitter of 2.2s is more than netem's 2.147s/],
    ['the longest latency', delay(274_000), undefined],
    ['a longer one', delay(300_000), /^a latency of 5m is more than netem's/],
  ])('can or cannot do %s', (_name, effect, why) => {
    if (why === undefined) expect(beyondNetem(effect)).toBeUndefined();
    else expect(beyondNetem(effect)).toMatch(why);
  });

  test.each([
    ['what each of them could be alone', [delay(150_000), delay(150_000)], /a latency of 5m in all/],
    ['jitters, which add up in variance', [delay(5000, 2000), delay(5000, 1000)], /a jitter of .* in all/],
    ['a correlation with anything', [delay(10, 5, 100), delay(10)], /cannot be combined/],
    ['what fits', [delay(100_000, 1000), delay(100_000, 1000)], undefined],
    ['one delay, which is asked about alone', [delay(300_000)], undefined],
  ])('adds up: %s', (_name, effects, why) => {
    if (why === undefined) expect(beyondNetemTogether(effects)).toBeUndefined();
    else expect(beyondNetemTogether(effects)).toMatch(why);
  });
});

describe('a delay that netem cannot do', () => {
  const capability = (name: HostCapability['name'], available = true): HostCapability => {
    return { name, available, detail: '', remedy: `load ${name}` };
  };
  const names = ['root', 'nftables', 'tc', 'sch-htb', 'sch-netem', 'ifb', 'netdev-egress', 'tun', 'nfqueue'] as const;
  const without = (...lacking: readonly HostCapability['name'][]): HostCapability[] =>
    names.map((name) => capability(name, !lacking.includes(name)));
  const layer: Layer = {
    id: 'la',
    scope: { directions: ['egress'], peers: [], ports: [], interfaces: ['eth0'] },
    effect: delay(100, 50, 50),
  };

  test.each([
    ['tap', without()],
    ['queue', without('tun')],
  ] as const)('goes to the engine %s where the node has it', (engine, capabilities) => {
    expect(place(layer, capabilities, { engine: 'auto', hooks: 'auto' }).engine).toBe(engine);
  });

  test.each([
    ['where there is no other', without('tun', 'nfqueue'), 'auto', 'load tun'],
    ['where netem is forced', without(), 'netem', '--network-engine'],
  ] as const)('is refused with the way out, %s', (_name, capabilities, engine, wayOut) => {
    const placing = () => place(layer, capabilities, { engine, hooks: 'auto' });
    expect(placing).toThrow('a correlation of 50 % has no effect in netem');
    expect(placing).toThrow(wayOut);
  });
});
