/** The test bed's network: a bridge of its own with free IPv4 and IPv6 subnets, as a CNI configuration. */
import { execa } from 'execa';
import { systemClock } from '@chaosplane/common';

/** A CNI conflist for `bridge`, with subnets that no route of this machine touches. Throws when none is free. */
export async function conflist(bridge: string, dataDir: string): Promise<string> {
  const { stdout } = await execa('ip', ['-4', 'route', 'show', 'table', 'all']);
  const start = Math.floor(systemClock.random() * 54 * 256);
  let prefix: string | undefined;
  for (let step = 0; step < 54 * 256 && prefix === undefined; step++) {
    const at = (start + step) % (54 * 256);
    const candidate = `10.${201 + Math.floor(at / 256)}.${at % 256}`;
    // A wider route over 10/8 is left alone: the bridge's own /24 is more specific.
    if (
      !stdout.includes(` ${candidate}.`) &&
      !stdout.startsWith(`${candidate}.`) &&
      !stdout.includes(`\n${candidate}.`)
    )
      prefix = candidate;
  }
  if (prefix === undefined) throw new Error('no free /24 in 10.201.0.0 to 10.254.255.0');
  const hex = systemClock.randomHex(4);
  const v6 = `fd00:c4a0:${hex.slice(0, 4)}:${hex.slice(4)}::/64`;
  const ipam = {
    type: 'host-local',
    dataDir,
    ranges: [[{ subnet: `${prefix}.0/24` }], [{ subnet: v6 }]],
    routes: [{ dst: '0.0.0.0/0' }, { dst: '::/0' }],
  };
  const plugin = { type: 'bridge', bridge, isGateway: true, ipMasq: false, hairpinMode: true, ipam };
  return JSON.stringify({ cniVersion: '0.4.0', name: bridge, plugins: [plugin] });
}
