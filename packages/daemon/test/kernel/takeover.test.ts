/** What a daemon of an older build has left in a namespace: the next one takes it over, and it acts. */
import { systemClock } from '@chaosplane/common';
import { createLab, distribution, sendOneWay, type Lab } from '@chaosplane/testkit';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { createHost } from '../../src/host/real-host.ts';
import type { Host, Netns } from '../../src/contract/host.ts';
import { markOf } from '../../src/netns/names.ts';
import { Namespace, type InstalledLayer } from '../../src/netns/namespace.ts';
import { kernelCapabilities } from '@chaosplane/testkit/lab-daemon';

jest.setTimeout(60_000);

const { available } = (await kernelCapabilities())('nft-queue');

let lab: Lab;
let host: Host;
let netns: Netns;

beforeEach(async () => {
  lab = createLab({ peers: 1 });
  host = await createHost({ nodeName: 'node' });
  netns = host.openNetns(lab.target.path);
});

afterEach(async () => {
  await host.close();
  lab.close();
});

test('marks and a queue at the priorities of before are put where they are now', async () => {
  // As the build before wrote them; where the kernel has no nft queue, the rule is one of this build at that priority.
  netns.nft([
    'add table inet chaosplane',
    'add chain inet chaosplane egress_eth0 { type filter hook postrouting priority -150 ; }',
    'add table inet chaosplane_queue',
    'add chain inet chaosplane_queue postrouting { type filter hook postrouting priority -149 ; }',
    ...(available
      ? ['add rule inet chaosplane_queue postrouting meta mark and 0xff0000 != 0 queue num 50336 bypass']
      : []),
  ]);
  const namespace = new Namespace(netns, systemClock, { fresh: false });
  const layer: InstalledLayer = {
    layer: {
      id: 'l1',
      scope: { directions: ['egress'], peers: [], ports: [], interfaces: ['eth0'] },
      effect: { kind: 'delay', latencyMs: 100, jitterMs: 0, correlationPercent: 0 },
    },
    engine: 'queue',
    hooks: 'inet',
    mark: markOf(0),
    deadline: systemClock.now() + 60_000,
  };
  await namespace.restore([layer], []);
  const { times, received } = await sendOneWay(lab.target, lab.peer(0), { count: 10, withinMs: 2000 });
  expect(received).toBe(10);
  expect(distribution(times).least).toBeGreaterThan(99);
  await namespace.remove('l1');
  expect(netns.nft(['list tables'])).toBe('');
  await namespace.close();
});
