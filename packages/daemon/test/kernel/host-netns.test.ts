/** The host layer against a real kernel: namespaces, nft transactions, tc batches, interfaces. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Host, Netns } from '../../src/host/host.ts';
import { createNetns } from '../../src/host/netns.ts';
import { openNft } from '../../src/host/nft.ts';
import { createHost } from '../../src/host/real-host.ts';
import { createWire, ip, type Wire } from './wire.ts';

let wire: Wire;
let host: Host;
let netns: Netns;

beforeEach(async () => {
  wire = await createWire();
  host = await createHost({ nodeName: 'node' });
  netns = host.openNetns(`/run/netns/${wire.a}`);
});

afterEach(async () => {
  await netns.close();
  await host.close();
  wire.remove();
});

const thrownBy = (work: () => unknown): unknown => {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
};

const nftIn = (name: string, ...argv: string[]): string =>
  execFileSync('/usr/sbin/ip', ['netns', 'exec', name, 'nft', ...argv], { encoding: 'utf8' });

describe('a namespace', () => {
  test('has a cookie of its own, the same at every opening', async () => {
    const again = host.openNetns(`/run/netns/${wire.a}`);
    const other = host.openNetns(`/run/netns/${wire.b}`);
    expect(again.cookie).toBe(netns.cookie);
    expect(other.cookie).not.toBe(netns.cookie);
    await Promise.all([again.close(), other.close()]);
  });

  test.each(['/run/netns/cp-nothing-here', '/etc/hostname'])('is not found at %s', (path) => {
    expect(thrownBy(() => host.openNetns(path))).toMatchObject({ code: 'NOT_FOUND' });
  });

  test('is let go by close: its interfaces go with its name', async () => {
    netns.nft(['add table inet cptest']);
    await netns.close();
    await netns.close();
    ip('netns', 'del', wire.a);
    for (let tries = 0; ip('-n', wire.b, '-o', 'link').includes('cpb0') && tries < 200; tries += 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    // The sockets of the wire's own measuring tools pin nothing: they are in handles that were opened apart.
    ip('netns', 'add', wire.a);
  });

  test('shows its interfaces, also without an address, and their queue lengths', () => {
    netns.setTxQueueLength('cpa0', 7);
    const interfaces = netns.interfaces();
    expect(interfaces.map(({ name }) => name).toSorted()).toEqual(['cpa0', 'lo']);
    expect(interfaces.find(({ name }) => name === 'cpa0')).toMatchObject({ txQueueLength: 7 });
    expect(interfaces.find(({ name }) => name === 'cpa0')?.addresses).toContain('10.77.0.1');
  });
});

describe('nft', () => {
  test('does all commands of a transaction or none', () => {
    const error = thrownBy(() => netns.nft(['add table inet cptest', 'add rule inet cptest nochain accept']));
    expect(error).toMatchObject({ name: 'NftError', notFound: false });
    expect(netns.nft(['list tables'])).toBe('');
  });

  test('says when what should be deleted is not there', () => {
    expect(thrownBy(() => netns.nft(['delete table inet cptest']))).toMatchObject({ name: 'NftError', notFound: true });
  });

  test('works on after somebody else has changed the namespace', () => {
    netns.nft(['add table inet cptest', 'add set inet cptest s { type ipv4_addr ; }']);
    nftIn(wire.a, 'flush', 'ruleset');
    netns.nft([
      'add table inet cptest',
      'add set inet cptest s { type ipv4_addr ; }',
      'add element inet cptest s { 10.1.2.3 }',
    ]);
    expect(nftIn(wire.a, 'list', 'ruleset')).toContain('10.1.2.3');
  });

  test('leaves no descriptor open over 200 openings', async () => {
    const cycle = async (): Promise<void> => {
      const scratch = createNetns();
      const nft = openNft(scratch);
      nft.run(['list tables']);
      await nft.close();
      scratch.close();
    };
    await cycle();
    const before = readdirSync('/proc/self/fd').length;
    for (let round = 0; round < 200; round += 1) await cycle();
    expect(readdirSync('/proc/self/fd').length).toBe(before);
  }, 60_000);
});

describe('tc', () => {
  test('runs a batch inside the namespace and lists its qdiscs', async () => {
    await netns.tc(['qdisc add dev cpa0 root handle c4a0: htb default 0']);
    expect(await netns.qdiscs()).toContainEqual(
      expect.objectContaining({ device: 'cpa0', kind: 'htb', handle: 'c4a0:', parent: 'root' }),
    );
    expect(ip('-n', wire.b, '-o', 'link', 'show', 'cpb0')).not.toContain('htb');
  });

  test('names the line that failed', async () => {
    const commands = ['qdisc add dev cpa0 root handle c4a0: htb default 0', 'qdisc add dev nodevice root htb'];
    await expect(netns.tc(commands)).rejects.toMatchObject({ name: 'CommandError', line: 2 });
  });

  test.each(['qdisc show; reboot', 'qdisc show\nqdisc del dev lo root', '$(id)'])('refuses %j', async (command) => {
    await expect(netns.tc([command])).rejects.toThrow('not a tc command of ours');
    expect((await netns.qdiscs()).filter(({ kind }) => kind === 'htb')).toEqual([]);
  });
});

test('the capabilities are complete, and what is missing has a remedy', async () => {
  const capabilities = await host.capabilities();
  expect(new Set(capabilities.map(({ name }) => name)).size).toBe(11);
  for (const { available, detail, remedy } of capabilities) {
    expect(detail).not.toBe('');
    expect(remedy === '').toBe(available);
  }
});
