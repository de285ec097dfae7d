/** Descriptors for nftables: reserved while a host is open, whatever else takes the others. */
import { closeSync, openSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { createHost } from '../../src/host/real-host.ts';
import { openNetnsHandle } from '../../src/host/netns.ts';
import { openNft } from '../../src/host/nft.ts';

/** Opens files as a flood of connections would, until none below libnftables' limit is free. */
function takeLowDescriptors(): number[] {
  const taken: number[] = [];
  do taken.push(openSync('/dev/null', 'r'));
  while ((taken.at(-1) ?? 0) < 1100);
  return taken;
}

test('those of a daemon are there when everything else has taken the rest, and the refusal without them says so', async () => {
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
