/** The layers of the tests, in the order in which they run, and what each needs of the machine. */

/** One layer. */
export interface Layer {
  readonly name: 'static' | 'pure' | 'kernel' | 'runtime' | 'vm';
  readonly summary: string;
  readonly needsRoot: boolean;
  /** A layer that takes longer is stopped, and has failed. */
  readonly limitMs: number;
  /** Debian package → a file that shows it is there. */
  readonly packages: Readonly<Record<string, readonly string[]>>;
}

const MINUTE_MS = 60_000;

const kernelPackages = {
  nftables: ['/usr/sbin/nft'],
  libnftables1: ['/usr/lib/x86_64-linux-gnu/libnftables.so.1', '/usr/lib/aarch64-linux-gnu/libnftables.so.1'],
  iproute2: ['/usr/sbin/tc', '/sbin/tc'],
  iptables: ['/usr/sbin/iptables-legacy-save'],
  ipset: ['/usr/sbin/ipset', '/sbin/ipset'],
};

export const layers: readonly Layer[] = [
  {
    name: 'static',
    summary: 'format, lint, types, generated files',
    needsRoot: false,
    limitMs: 10 * MINUTE_MS,
    packages: {},
  },
  { name: 'pure', summary: 'no kernel, no network', needsRoot: false, limitMs: 5 * MINUTE_MS, packages: {} },
  {
    name: 'kernel',
    summary: 'real nftables and traffic in private namespaces',
    needsRoot: true,
    limitMs: 10 * MINUTE_MS,
    packages: kernelPackages,
  },
  {
    name: 'runtime',
    summary: 'real containerd with real pods',
    needsRoot: true,
    limitMs: 15 * MINUTE_MS,
    packages: {
      ...kernelPackages,
      containerd: ['/usr/bin/containerd', '/usr/local/bin/containerd'],
      runc: ['/usr/sbin/runc', '/usr/bin/runc'],
      'containernetworking-plugins': ['/usr/lib/cni/bridge', '/opt/cni/bin/bridge'],
      'busybox-static': ['/usr/bin/busybox', '/bin/busybox'],
      openssl: ['/usr/bin/openssl'],
      'golang-go': ['/usr/local/go/bin/go', '/usr/bin/go'],
    },
  },
  {
    name: 'vm',
    summary: 'the kernel tests again, on a kernel with netem under QEMU',
    needsRoot: true,
    limitMs: 15 * MINUTE_MS,
    packages: {
      ...kernelPackages,
      'qemu-system-x86': ['/usr/bin/qemu-system-x86_64'],
      'busybox-static': ['/usr/bin/busybox', '/bin/busybox'],
      kmod: ['/sbin/modprobe', '/usr/sbin/modprobe'],
      cpio: ['/usr/bin/cpio', '/bin/cpio'],
    },
  },
];
