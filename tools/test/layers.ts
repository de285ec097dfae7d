/** The layers of the tests, in the order in which they run, and what each needs of the machine. */
import { packages as testbedPackages } from '@chaosplane/testbed';
import {
  controlPlanePackages,
  imagePackages,
  packages as clusterPackages,
  type DebianPackages,
} from '@chaosplane/testcluster';

/** One layer. */
export interface Layer {
  readonly name: 'static' | 'pure' | 'kernel' | 'runtime' | 'api' | 'cluster' | 'vm';
  readonly summary: string;
  readonly needsRoot: boolean;
  /** A layer that takes longer is stopped, and has failed. */
  readonly limitMs: number;
  /** Debian package → a file that shows it is there. */
  readonly packages: DebianPackages;
  /** It starts clusters: Kubernetes is built before the layer begins. */
  readonly needsKubernetes?: true;
  /** How many files of tests run at once, where jest runs them: one where times are measured. */
  readonly workers: number;
  /** Files that measure no time, by their paths: two of them run at once, before the others. */
  readonly together?: readonly string[];
}

const MINUTE_MS = 60_000;

const named = (folder: string, names: readonly string[]): string[] =>
  names.map((name) => `packages/${folder}/${name}.test.ts`);

export const kernelPackages = {
  nftables: ['/usr/sbin/nft'],
  libnftables1: ['/usr/lib/x86_64-linux-gnu/libnftables.so.1', '/usr/lib/aarch64-linux-gnu/libnftables.so.1'],
  iproute2: ['/usr/sbin/tc', '/sbin/tc'],
  iptables: ['/usr/sbin/iptables-legacy-save'],
  ipset: ['/usr/sbin/ipset', '/sbin/ipset'],
  curl: ['/usr/bin/curl'],
  'stress-ng': ['/usr/bin/stress-ng'],
};

/** For a virtual machine, and the kernel tests in it. */
export const vmPackages: DebianPackages = {
  ...kernelPackages,
  'qemu-system-x86': ['/usr/bin/qemu-system-x86_64'],
  'busybox-static': ['/usr/bin/busybox', '/bin/busybox'],
  kmod: ['/sbin/modprobe', '/usr/sbin/modprobe'],
  cpio: ['/usr/bin/cpio', '/bin/cpio'],
};

export const layers: readonly Layer[] = [
  {
    name: 'static',
    workers: 1,
    summary: 'format, lint, types, generated files',
    needsRoot: false,
    limitMs: 10 * MINUTE_MS,
    packages: {},
  },
  {
    name: 'pure',
    workers: 2,
    summary: 'no kernel, no network',
    needsRoot: false,
    limitMs: 10 * MINUTE_MS,
    packages: {},
  },
  {
    name: 'kernel',
    workers: 1,
    summary: 'real nftables and traffic in private namespaces',
    needsRoot: true,
    limitMs: 25 * MINUTE_MS,
    packages: kernelPackages,
    together: [
      'packages/testbed/test/kernel/fingerprint.test.ts',
      'packages/operator/test/kernel/rotation.test.ts',
      ...named('daemon/test/kernel', [
        ...[
          'build-before',
          'certificate-reload',
          'chance',
          'dns-programs',
          'dns-proxy',
          'evidence',
          'expiry',
          'faults',
        ],
        ...['foreign-devices', 'foreign-removals', 'fragments', 'host-names', 'host-netns', 'http-proxy', 'identity'],
        ...[
          'interfaces',
          'mesh',
          'mesh-network',
          'nft-contexts',
          'operator-identity',
          'peers',
          'processes',
          'rulesets',
        ],
        ...['silence', 'sources', 'stacking', 'takeover'],
      ]),
    ],
  },
  {
    name: 'runtime',
    workers: 1,
    summary: 'real containerd with real pods',
    needsRoot: true,
    limitMs: 15 * MINUTE_MS,
    packages: {
      ...kernelPackages,
      ...testbedPackages,
      ...imagePackages,
      openssl: ['/usr/bin/openssl'],
    },
    together: [
      ...named('daemon/test/runtime', [
        ...['acts', 'crash', 'crash-inside', 'identity', 'input', 'node-restart', 'proxy', 'server'],
      ]),
      ...named('cli/test/runtime', ['cli', 'image', 'npm-package', 'verdicts', 'workflow']),
      ...named('image/test/runtime', ['images']),
    ],
  },
  {
    name: 'api',
    workers: 2,
    summary: 'the operator against a real kube-apiserver and etcd',
    needsRoot: true,
    limitMs: 20 * MINUTE_MS,
    packages: controlPlanePackages,
    needsKubernetes: true,
  },
  {
    name: 'cluster',
    workers: 2,
    summary: 'a real Kubernetes of several nodes',
    needsRoot: true,
    limitMs: 30 * MINUTE_MS,
    packages: { ...clusterPackages, ...imagePackages },
    needsKubernetes: true,
  },
  {
    name: 'vm',
    workers: 1,
    summary: 'kernel tests of netem and cgroup v2, on a kernel that has both, under QEMU',
    needsRoot: true,
    limitMs: 25 * MINUTE_MS,
    packages: vmPackages,
  },
];
