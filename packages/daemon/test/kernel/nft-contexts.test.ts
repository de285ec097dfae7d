/** The contexts of libnftables: what they need is reserved, and freeing one is safe while another works. */
import { execFile } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { createHost } from '../../src/host/real-host.ts';
import { openNetnsHandle } from '../../src/host/kernel/netns.ts';
import { openNft } from '../../src/host/kernel/nft.ts';

/** Opens files as a flood of connections would, until none below libnftables' limit is free. */
function takeLowDescriptors(): number[] {
  const taken: number[] = [];
  do taken.push(openSync('/dev/null', 'r'));
  while ((taken.at(-1) ?? 0) < 1100);
  return taken;
}

test('the descriptors of a daemon are there when everything else has taken the rest, and the refusal without them says so', async () => {
  const netns = openNetnsHandle('/proc/self/ns/net');
  const host = await createHost({ nodeName: 'node' });
  const taken = takeLowDescriptors();
  try {
    const served = openNft(netns);
    expect(served.run(['list tables'])).toEqual(expect.any(String));
    await served.close();
    await host.close();
    taken.push(...takeLowDescriptors());
    const refused = openNft(netns);
    expect(() => refused.run(['list tables'])).toThrow(/needs a descriptor below 1024.*other files and connections/);
    await refused.close();
  } finally {
    for (const fd of taken) closeSync(fd);
    await host.close();
    netns.close();
  }
});

test('sessions close while another looks interfaces up', async () => {
  const script = join(import.meta.dirname, 'nft-contexts.main.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [script]);
  expect(stdout).toBe('1500\n');
}, 120_000);

test('no other thread gets a descriptor that a context needs, and leaves it one that ends the process', async () => {
  const script = join(import.meta.dirname, 'nft-crowded.main.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [script]);
  expect(stdout).toBe('300\n');
}, 120_000);
