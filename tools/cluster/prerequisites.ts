/** What a cluster needs of the machine, and what is missing here. */
import { existsSync } from 'node:fs';
import { execaSync } from 'execa';

/** Debian package → files that show it is there, any one of them. */
export type DebianPackages = Readonly<Record<string, readonly string[]>>;

/** For a control plane without nodes. */
export const controlPlanePackages: DebianPackages = {
  iproute2: ['/usr/sbin/ip', '/sbin/ip'],
  procps: ['/usr/sbin/sysctl', '/sbin/sysctl'],
  openssl: ['/usr/bin/openssl'],
};

/** For a cluster with nodes. Go is not among them: many a Debian has one that is too old. */
export const packages: DebianPackages = {
  ...controlPlanePackages,
  containerd: ['/usr/bin/containerd', '/usr/local/bin/containerd'],
  runc: ['/usr/sbin/runc', '/usr/bin/runc'],
  'containernetworking-plugins': ['/usr/lib/cni/bridge', '/opt/cni/bin/bridge'],
  nftables: ['/usr/sbin/nft'],
  iptables: ['/usr/sbin/iptables'],
  'busybox-static': ['/usr/bin/busybox', '/bin/busybox'],
};

/** Why no cluster can be started here, with the remedy; undefined when one can. */
export function whyNoCluster({ nodes = true }: { readonly nodes?: boolean } = {}): string | undefined {
  if (process.getuid?.() !== 0) return 'a cluster needs root: run the same command with sudo';
  const missing = Object.entries(nodes ? packages : controlPlanePackages)
    .filter(([, files]) => !files.some((file) => existsSync(file)))
    .map(([name]) => name);
  if (missing.length > 0) return `a cluster needs ${missing.join(', ')}: apt-get install ${missing.join(' ')}`;
  const go = findGo();
  return 'why' in go ? `a cluster ${go.why}` : undefined;
}

/** Go's program; or why what is here cannot build Kubernetes, with the remedy. */
export type FoundGo = { readonly program: string } | { readonly why: string };

const GO_PLACES = ['go', '/usr/local/go/bin/go', '/usr/lib/go-1.24/bin/go'];

/** The first Go that is new enough, of the PATH or of the usual places. */
export function findGo(): FoundGo {
  const found: string[] = [];
  for (const program of GO_PLACES) {
    const { failed, stdout } = execaSync(program, ['env', 'GOVERSION', 'GOTOOLCHAIN'], { reject: false, cwd: '/' });
    if (failed) continue;
    const [version = '', toolchain = ''] = stdout.split('\n');
    if (buildsKubernetes(version, toolchain)) return { program };
    found.push(version);
  }
  const here = found.length === 0 ? 'there is none' : `this machine has ${found.join(', ')}`;
  return {
    why: `needs Go 1.24 or newer, which builds Kubernetes, and ${here}: https://go.dev/dl, unpacked to /usr/local/go`,
  };
}

/** Kubernetes 1.34 wants Go 1.24; from 1.21 on Go fetches the newer one that a module asks for, unless it is told not to. */
export function buildsKubernetes(version: string, toolchain: string): boolean {
  const minor = Number(/^go1\.(\d+)/.exec(version)?.[1] ?? 0);
  return minor >= 24 || (minor >= 21 && toolchain !== 'local');
}

/** Whether the `golang-go` of a Debian, by what `apt-cache policy` says of it, would do. */
export function debianGoSuffices(policy: string): boolean {
  const candidate = /Candidate: (?:\d+:)?(\d+\.\d+)/.exec(policy)?.[1] ?? '0.0';
  return buildsKubernetes(`go${candidate}`, 'local');
}

/** The folder with the CNI plugins. */
export function cniPlugins(): string {
  return existsSync('/usr/lib/cni/bridge') ? '/usr/lib/cni' : '/opt/cni/bin';
}
