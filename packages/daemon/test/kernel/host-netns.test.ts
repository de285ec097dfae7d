/** The host layer against a real kernel: namespaces, nft transactions, tc batches, interfaces. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test, jest } from '@jest/globals';
import { createLab, ip, type Lab } from '@chaosplane/testkit';
import type { Host, Netns } from '../../src/contract/host.ts';
import { createNetns } from '../../src/host/kernel/netns.ts';
import { openNft } from '../../src/host/kernel/nft.ts';
import { createHost } from '../../src/host/real-host.ts';

// Emulated machines are twenty times slower.
jest.setTimeout(180_000);

let lab: Lab;
let host: Host;
let netns: Netns;

beforeEach(async () => {
  lab = createLab();
  host = await createHost({ nodeName: 'node' });
  netns = host.openNetns(lab.target.path);
});

afterEach(async () => {
  await netns.close();
  await host.close();
  lab.close();
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
    const again = host.openNetns(lab.target.path);
    const other = host.openNetns(lab.peer(0).path);
    expect(again.cookie).toBe(netns.cookie);
    expect(other.cookie).not.toBe(netns.cookie);
    await Promise.all([again.close(), other.close()]);
  });

  test.each(['/run/netns/cp-nothing-here', '/etc/hostname'])('is not found at %s', (path) => {
    expect(thrownBy(() => host.openNetns(path))).toMatchObject({ code: 'NOT_FOUND' });
  });

  test('is let go by close: when its name is gone too, its interfaces go', async () => {
    const name = `${lab.target.name}x`;
    ip('netns', 'add', name);
    ip('link', 'add', 'cpx0', 'netns', name, 'type', 'veth', 'peer', 'name', 'cpx1', 'netns', lab.peer(0).name);
    const pinned = host.openNetns(`/run/netns/${name}`);
    pinned.nft(['add table inet cptest']);
    ip('netns', 'del', name);
    expect(ip('-n', lab.peer(0).name, '-o', 'link')).toContain('cpx1');
    await pinned.close();
    await pinned.close();
    const end = performance.now() + 5000;
    while (ip('-n', lab.peer(0).name, '-o', 'link').includes('cpx1')) expect(performance.now()).toBeLessThan(end);
  });

  test('shows its interfaces, also without an address, and their queue lengths', () => {
    netns.setTxQueueLength('eth0', 7);
    const interfaces = netns.interfaces();
    expect(interfaces.map(({ name }) => name).toSorted()).toEqual(['eth0', 'lo']);
    expect(interfaces.find(({ name }) => name === 'eth0')).toMatchObject({ txQueueLength: 7 });
    expect(interfaces.find(({ name }) => name === 'eth0')?.addresses).toContain('10.77.0.1');
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

  test('works on after another program has changed the namespace', () => {
    netns.nft(['add table inet cptest', 'add set inet cptest s { type ipv4_addr ; }']);
    nftIn(lab.target.name, 'flush', 'ruleset');
    netns.nft([
      'add table inet cptest',
      'add set inet cptest s { type ipv4_addr ; }',
      'add element inet cptest s { 10.1.2.3 }',
    ]);
    expect(nftIn(lab.target.name, 'list', 'ruleset')).toContain('10.1.2.3');
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
  });
});

describe('tc', () => {
  test('runs a batch inside the namespace and lists its qdiscs', async () => {
    await netns.tc(['qdisc add dev eth0 root handle c4a0: htb default 0']);
    expect(await netns.qdiscs()).toContainEqual(
      expect.objectContaining({ device: 'eth0', kind: 'htb', handle: 'c4a0:', parent: 'root' }),
    );
    expect(ip('-n', lab.peer(0).name, '-o', 'link', 'show', 'eth0')).not.toContain('htb');
  });

  test('names the line that failed', async () => {
    const commands = ['qdisc add dev eth0 root handle c4a0: htb default 0', 'qdisc add dev nodevice root htb'];
    await expect(netns.tc(commands)).rejects.toMatchObject({ name: 'CommandError', line: 2 });
  });

  test.each(['qdisc show; reboot', 'qdisc show\nqdisc del dev lo root', '$(id)'])('refuses %j', async (command) => {
    await expect(netns.tc([command])).rejects.toThrow('not a tc command of ours');
    expect((await netns.qdiscs()).filter(({ kind }) => kind === 'htb')).toEqual([]);
  });
});

test('the capabilities are complete, and what is missing has a remedy', async () => {
  const capabilities = await host.capabilities();
  expect(new Set(capabilities.map(({ name }) => name)).size).toBe(16);
  for (const { available, detail, remedy } of capabilities) {
    expect(detail).not.toBe('');
    expect(remedy === '').toBe(available);
  }
});
