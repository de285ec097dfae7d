/** How containerd is configured and given its images: Debian's 1.6, or a 2.x. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { APP_IMAGE } from './image.ts';
import { socketIn, type Place, type RuntimeProgram } from './place.ts';

const UNUSED = [
  'io.containerd.internal.v1.opt',
  'io.containerd.snapshotter.v1.btrfs',
  'io.containerd.snapshotter.v1.zfs',
  'io.containerd.snapshotter.v1.devmapper',
  'io.containerd.snapshotter.v1.aufs',
  // It listens at a place that all containerds share.
  'io.containerd.nri.v1.nri',
];

const head = (version: number, folder: string): string => `version = ${version}
root = "${folder}/root"
state = "${folder}/state"
disabled_plugins = [${UNUSED.map((name) => `"${name}"`).join(', ')}]
[grpc]
  address = "${socketIn(folder)}"
`;

const runc = (section: string, { folder, programs }: Place): string => `[${section}]
  runtime_type = "io.containerd.runc.v2"
[${section}.options]
  Root = "${folder}/runc"
${programs === undefined ? '' : `  BinaryName = "${programs}/runc"\n`}`;

/** The handler of the runtime class whose pods run in gVisor. Its name does not say so: only the runtime's type does. */
export const SANDBOXED = 'sandboxed';

function gvisor(section: string, { folder }: Place): string {
  return `[${section}]
  runtime_type = "io.containerd.runsc.v1"
[${section}.options]
  TypeUrl = "io.containerd.runsc.v1.options"
  ConfigPath = "${folder}/runsc.toml"
`;
}

/** Without /dev/kvm. */
const runscConfig = ({ folder, programs = '' }: Place): string => `binary_name = "${programs}/runsc"
root = "${folder}/runsc"
[runsc_config]
  platform = "systrap"
`;

/** One plugin. */
function oldConfig(place: Place): string {
  const { folder, plugins } = place;
  const section = 'plugins."io.containerd.grpc.v1.cri"';
  return `${head(2, folder)}[${section}]
  sandbox_image = "${APP_IMAGE}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  netns_mounts_under_state_dir = true
[${section}.cni]
  bin_dir = "${plugins}"
  conf_dir = "${folder}/cni"
${runc(`${section}.containerd.runtimes.runc`, place)}`;
}

/** Since 2.0 images, runtime and streaming are three plugins. */
function newConfig(place: Place): string {
  const { folder, plugins } = place;
  const section = 'plugins."io.containerd.cri.v1.runtime"';
  return `${head(3, folder)}[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "${APP_IMAGE}"
[plugins."io.containerd.grpc.v1.cri"]
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
[${section}]
  restrict_oom_score_adj = true
  disable_apparmor = true
  netns_mounts_under_state_dir = true
[${section}.cni]
  bin_dirs = ["${plugins}"]
  conf_dir = "${folder}/cni"
${runc(`${section}.containerd.runtimes.runc`, place)}${gvisor(`${section}.containerd.runtimes.${SANDBOXED}`, place)}`;
}

/** Either containerd. */
export function containerd(kind: 'containerd' | 'containerd-2'): RuntimeProgram {
  const at = ({ programs }: Place, name: string): string => (programs === undefined ? name : join(programs, name));
  return {
    async prepare(place) {
      const file = join(place.folder, 'config.toml');
      await writeFile(file, kind === 'containerd' ? oldConfig(place) : newConfig(place));
      if (kind === 'containerd-2') await writeFile(join(place.folder, 'runsc.toml'), runscConfig(place));
      return [at(place, 'containerd'), '--config', file];
    },
    async load(place) {
      await execa(at(place, 'ctr'), ['-n', 'k8s.io', '-a', socketIn(place.folder), 'images', 'import', place.image]);
    },
  };
}
