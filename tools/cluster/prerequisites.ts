/** What a cluster needs of the machine, and what is missing here. */
import { existsSync } from 'node:fs';

/** Debian package → files that show it is there, any one of them. In the shape of the layers of the tests. */
export const packages: Readonly<Record<string, readonly string[]>> = {
  containerd: ['/usr/bin/containerd', '/usr/local/bin/containerd'],
  runc: ['/usr/sbin/runc', '/usr/bin/runc'],
  'containernetworking-plugins': ['/usr/lib/cni/bridge', '/opt/cni/bin/bridge'],
  iproute2: ['/usr/sbin/ip', '/sbin/ip'],
  nftables: ['/usr/sbin/nft'],
  iptables: ['/usr/sbin/iptables'],
  procps: ['/usr/sbin/sysctl', '/sbin/sysctl'],
  openssl: ['/usr/bin/openssl'],
  'busybox-static': ['/usr/bin/busybox', '/bin/busybox'],
  'golang-go': ['/usr/local/go/bin/go', '/usr/bin/go'],
};

/** Why no cluster can be started here, with the remedy; undefined when one can. */
export function whyNoCluster(): string | undefined {
  if (process.getuid?.() !== 0) return 'a cluster needs root: run the same command with sudo';
  const missing = Object.entries(packages)
    .filter(([, files]) => !files.some((file) => existsSync(file)))
    .map(([name]) => name);
  if (missing.length === 0) return undefined;
  const go = missing.includes('golang-go') ? ' (Go builds Kubernetes: 1.24 or newer)' : '';
  return `a cluster needs ${missing.join(', ')}${go}: apt-get install ${missing.join(' ')}`;
}

/** The folder with the CNI plugins. */
export function cniPlugins(): string {
  return existsSync('/usr/lib/cni/bridge') ? '/usr/lib/cni' : '/opt/cni/bin';
}
