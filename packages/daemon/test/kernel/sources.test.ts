/** From which address a node connects to a pod: what the pod sees there is what the kernel's routes say beforehand. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { addressOf, connects, createLab, ip, type Family, type Lab } from '@chaosplane/testkit';
import { createHost } from '../../src/host/real-host.ts';
import { sourceTowards } from '../../src/host/kernel/sockets.ts';
import { startLabDaemon } from '@chaosplane/testkit/lab-daemon';

let lab: Lab;
beforeEach(() => {
  lab = createLab({ peers: 2 });
});
afterEach(() => lab.close());

/** A node whose first address is not the one that it has towards its pods, as with a bridge. */
function makeNode(): void {
  const { name } = lab.peer(1);
  ip('-n', name, 'link', 'add', 'uplink', 'type', 'bridge');
  ip('-n', name, 'link', 'set', 'uplink', 'up');
  ip('-n', name, 'address', 'add', '198.51.100.9/24', 'dev', 'uplink');
  ip('-n', name, 'route', 'add', 'default', 'dev', 'uplink');
}

test.each([4, 6] as const)('it is that of the device that leads to the pod, over IPv%i', (family) => {
  makeNode();
  const found = sourceTowards(lab.peer(1).netns, addressOf(lab.target, family));
  // Both versions of an address are one to a program that reads it.
  expect(new URL(`http://${family === 4 ? found : `[${found ?? ''}]`}`).hostname).toBe(
    family === 4 ? lab.peer(1).ipv4 : `[${lab.peer(1).ipv6}]`,
  );
});

test('it is the one that a route names, where it names one', () => {
  makeNode();
  const { name, netns } = lab.peer(1);
  ip('-n', name, 'route', 'add', `${lab.target.ipv4}/32`, 'dev', 'eth0', 'src', '198.51.100.9');
  expect(sourceTowards(netns, lab.target.ipv4)).toBe('198.51.100.9');
});

test('there is none where no route leads', () => {
  expect(sourceTowards(lab.peer(1).netns, '203.0.113.1')).toBeUndefined();
  expect(sourceTowards(lab.peer(1).netns, '2001:db8::1')).toBeUndefined();
});

test('this machine is a node that can be asked', async () => {
  const host = await createHost({ nodeName: 'node' });
  expect(host.sourcesTowards(['127.0.0.1'])).toEqual(['127.0.0.1']);
  expect(host.sourcesTowards([])).toEqual([]);
  await host.close();
});

test.each<Family>([4, 6])(
  'a fault spares a probe that comes from there, although it was not told, over IPv%i',
  async (family) => {
    const node = lab.peer(1);
    const daemon = await startLabDaemon(lab, {}, { sourcesTowards: () => [node.ipv4, node.ipv6] });
    try {
      await daemon.exec('partition', {}, { probes: { nodeAddresses: ['198.51.100.9'], ports: [8080] } });
      const expectConnects = async (from: typeof node, port: number, expected: boolean): Promise<void> =>
        expect(await connects(expected, from, lab.target, { family, port })).toBe(expected);
      await expectConnects(node, 8080, true);
      await expectConnects(node, 8081, false);
      await expectConnects(lab.peer(0), 8080, false);
    } finally {
      await daemon.close();
    }
  },
);
