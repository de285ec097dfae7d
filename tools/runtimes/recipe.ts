/** Of which programs a test's container runtime is made, in which versions. Data only: the cache's key is its hash. */
import type { RuntimeKind } from '@chaosplane/testbed';

/** One Go program of a runtime: a module at a version, and the package in it. */
export interface RuntimeGoProgram {
  readonly name: string;
  readonly module: string;
  readonly package: string;
  readonly linkerFlags: string;
  readonly tags?: string;
  readonly cgo?: true;
}

/** The newest of which all three runtimes are known to work with; Debian 12 has 1.1, which knows no volumes with mapped ids. */
const runc: RuntimeGoProgram = {
  name: 'runc',
  module: 'github.com/opencontainers/runc@v1.5.3',
  package: '.',
  linkerFlags: '-s -w -X main.version=1.5.3',
  cgo: true,
};

const CONTAINERD = '2.2.9';
const containerd = (name: string): RuntimeGoProgram => ({
  name,
  module: `github.com/containerd/containerd/v2@v${CONTAINERD}`,
  package: `./cmd/${name}`,
  tags: 'no_btrfs',
  linkerFlags: `-s -w -X github.com/containerd/containerd/v2/version.Version=${CONTAINERD}`,
});

const crio: RuntimeGoProgram = {
  name: 'crio',
  module: 'github.com/cri-o/cri-o@v1.34.0',
  package: './cmd/crio',
  // Without storage drivers and signatures that need C libraries.
  tags: 'containers_image_openpgp,containers_image_ostree_stub,exclude_graphdriver_btrfs,btrfs_noversion',
  linkerFlags: '-s -w',
};

/** gVisor, for a runtime class beside the ordinary one. */
const gvisor = (name: string, folder: string): RuntimeGoProgram => ({
  name,
  module: 'gvisor.dev/gvisor@v0.0.0-20260527191743-a81fd9dd382e',
  package: folder,
  linkerFlags: '-s -w',
});

/** The runtimes that are built; Debian's containerd is not. */
export type BuiltRuntime = 'containerd-2' | 'crio' | 'gvisor';

/** As which runtime of the test bed each is started. */
export const kinds: Readonly<Record<BuiltRuntime, RuntimeKind>> = {
  'containerd-2': 'containerd-2',
  crio: 'crio',
  gvisor: 'containerd-2',
};

const containerd2 = [runc, ...['containerd', 'containerd-shim-runc-v2', 'ctr'].map(containerd)];

export const programs: Readonly<Record<BuiltRuntime, readonly RuntimeGoProgram[]>> = {
  'containerd-2': containerd2,
  crio: [runc, crio],
  gvisor: [...containerd2, gvisor('runsc', './runsc'), gvisor('containerd-shim-runsc-v1', './shim')],
};

/** CRI-O's helper that keeps namespaces is a C program of its module. */
export const pinns = { module: crio.module, sources: 'pinns/src', flags: ['-std=c99', '-Os', '-static'] } as const;
