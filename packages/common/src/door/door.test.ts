import { beforeEach, describe, expect, test } from '@jest/globals';
import { createDoor, type Door, type DoorLimits } from './door.ts';
import { addressOf, peerOf } from './peer.ts';

const limits: DoorLimits = {
  strangers: { open: 6, rate: { perSecond: 10, burst: 10 } },
  peer: { open: 3, rate: { perSecond: 5, burst: 5 } },
  settled: 2,
};

let door: Door;
let now: number;
/** Whose connections had to give way, in order. */
let gone: string[];

beforeEach(() => {
  now = 0;
  gone = [];
  door = createDoor(limits, { monotonic: () => now });
});

function enter(peer: string, friend = false, name = peer) {
  return door.enter(peer, friend, () => gone.push(name));
}

const times = (many: number, peer: string): string[] =>
  Array.from({ length: many }, (_, index) => {
    const entered = enter(peer, false, `${peer}#${index}`);
    return typeof entered === 'string' ? entered : 'in';
  });

describe('a door', () => {
  test('lets a peer have so many connections; the oldest gives way to a new one', () => {
    expect(times(4, 'a')).toEqual(['in', 'in', 'in', 'in']);
    expect(gone).toEqual(['a#0']);
  });

  test('turns a peer away that comes too fast, and takes it again later', () => {
    expect(times(6, 'a').at(-1)).toBe('peer-rate');
    now += 1000;
    expect(times(1, 'a')).toEqual(['in']);
  });

  test('that is full takes from the peer that has the most', () => {
    times(3, 'a');
    times(2, 'b');
    times(1, 'c');
    expect(typeof enter('d')).toBe('object');
    expect(gone).toEqual(['a#0']);
  });

  test('lets in who comes seldom, however fast all others come together', () => {
    for (let peer = 0; peer < 10; peer += 1) times(5, `crowd ${peer}`);
    expect(times(4, 'crowd 10').at(-1)).toBe('stranger-rate');
    expect(typeof enter('seldom')).toBe('object');
  });

  test('never lets strangers take what a friend has', () => {
    const friend = enter('friend', true);
    for (let peer = 0; peer < 10; peer += 1) times(5, `crowd ${peer}`);
    expect(typeof friend).toBe('object');
    expect(gone).not.toContain('friend');
    expect(typeof enter('friend', true)).toBe('object');
  });

  test('keeps a settled connection when its peer has many others, and counts it apart', () => {
    const settled = enter('a', false, 'settled');
    expect(typeof settled !== 'string' && settled.settle()).toBe(true);
    times(4, 'a');
    expect(gone).toEqual(['a#0']);
  });

  test('settles so many connections, and another one when one of them has left', () => {
    const passes = ['a', 'b', 'c'].map((peer) => enter(peer)).filter((pass) => typeof pass !== 'string');
    expect(passes.map((pass) => pass.settle())).toEqual([true, true, false]);
    passes[0]?.leave();
    passes[0]?.leave();
    expect(passes[2]?.settle()).toBe(true);
  });

  test('gives back what a connection had when it leaves', () => {
    for (let round = 0; round < 100; round += 1) {
      now += 1000;
      const passes = [enter('a'), enter('a'), enter('a')];
      for (const pass of passes) if (typeof pass !== 'string') pass.leave();
    }
    expect(gone).toEqual([]);
  });
});

describe('a peer', () => {
  test.each([
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
  ])('at %s has the address %s', (socket, address) => {
    expect(addressOf(socket)).toBe(address);
  });

  test('of IPv6 is the network in which a host chooses its addresses', () => {
    expect(peerOf('2001:db8::1')).toBe(peerOf('2001:db8::ffff:2'));
    expect(peerOf('2001:db8::1')).not.toBe(peerOf('2001:db8:0:1::1'));
    expect(peerOf('10.0.0.1')).not.toBe(peerOf('10.0.0.2'));
  });
});
