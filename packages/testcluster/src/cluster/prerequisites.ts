/** What a cluster needs of the machine, and what is missing here. */
import { existsSync } from 'node:fs';
import { goPlaces } from '@chaosplane/testbed';

/** Debian package → files that show it is there, any one of them. */
export type DebianPackages = Readonly<Record<string, readonly string[]>>;

/** For a control plane without nodes. */
export const controlPlanePackages: DebianPackages = {
  iproute2: ['/usr/sbin/ip', '/sbin/ip'],
  procps: ['/usr/sbin/sysctl', '/sbin/sysctl'],
  openssl: ['/usr/bin/openssl'],
  // Any: where it is too old for Kubernetes, it fetches a newer one.
  'golang-go': goPlaces(),
};

/** For a cluster with nodes. */
export const packages: DebianPackages = {
  ...controlPlanePackages,
  containerd: ['/usr/bin/containerd', '/usr/local/bin/containerd'],
  runc: ['/usr/sbin/runc', '/usr/bin/runc'],
  'containernetworking-plugins': ['/usr/lib/cni/bridge', '/opt/cni/bin/bridge'],
  nftables: ['/usr/sbin/nft'],
  iptables: ['/usr/sbin/iptables'],
  'busybox-static': ['/usr/bin/busybox', '/bin/busybox'],
};

/** What is copied from this machine into ChaosPlane's images, and what makes node smaller. */
export const imagePackages: DebianPackages = {
  iproute2: packages['iproute2'] ?? [],
  libnftables1: ['x86_64', 'aarch64'].map((machine) => `/usr/lib/${machine}-linux-gnu/libnftables.so.1`),
  'stress-ng': ['/usr/bin/stress-ng'],
  binutils: ['/usr/bin/strip'],
};

/** Why no cluster can be started here, with the remedy; undefined when one can. */
export function whyNoCluster({ nodes = true }: { readonly nodes?: boolean } = {}): string | undefined {
  if (process.getuid?.() !== 0) return 'a cluster needs root: run the same command with sudo';
  const missing = Object.entries(nodes ? packages : controlPlanePackages)
    .filter(([, files]) => !files.some((file) => existsSync(file)))
    .map(([name]) => name);
  if (missing.length > 0) return `a cluster needs ${missing.join(', ')}: apt-get install ${missing.join(' ')}`;
  return undefined;
}

/** The folder with the CNI plugins. */
export function cniPlugins(): string {
  return existsSync('/usr/lib/cni/bridge') ? '/usr/lib/cni' : '/opt/cni/bin';
}
