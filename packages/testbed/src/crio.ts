/** How CRI-O is configured and given its images, which it knows to pull and not to import. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { createClient } from 'nice-grpc';
import { cri } from '@chaosplane/proto';
import { APP_IMAGE, BARE_IMAGE } from './image.ts';
import { socketIn, type Place, type RuntimeProgram } from './place.ts';
import { serveImages, type Registry } from './registry.ts';

/** See crio.conf(5). */
function config({ folder, programs = '', plugins }: Place): string {
  return `[crio]
root = "${folder}/root"
runroot = "${folder}/state"
log_dir = "${folder}/crio-logs"
storage_driver = "overlay"
version_file = "${folder}/version"
version_file_persist = ""
clean_shutdown_file = "${folder}/clean.shutdown"
[crio.api]
listen = "${socketIn(folder)}"
stream_address = "127.0.0.1"
stream_port = "0"
[crio.runtime]
default_runtime = "runc"
conmon_cgroup = "pod"
cgroup_manager = "cgroupfs"
apparmor_profile = "unconfined"
seccomp_profile = ""
hooks_dir = []
irqbalance_config_restore_file = "disable"
namespaces_dir = "${folder}/namespaces"
container_exits_dir = "${folder}/exits"
container_attach_socket_dir = "${folder}/attach"
pinns_path = "${programs}/pinns"
[crio.runtime.runtimes.runc]
runtime_path = "${programs}/runc"
runtime_root = "${folder}/runc"
monitor_path = "/usr/bin/conmon"
monitor_cgroup = "pod"
[crio.image]
signature_policy = "${folder}/policy.json"
pause_image = "${APP_IMAGE}"
[crio.network]
network_dir = "${folder}/cni"
plugin_dirs = ["${plugins}"]
[crio.nri]
enable_nri = false
`;
}

/** Every image is said to be in the registry at this port of this machine. */
const registries = (port: number): string => `[[registry]]
prefix = "chaosplane.test"
location = "127.0.0.1:${port}/chaosplane.test"
insecure = true
`;

/** A CRI-O; it pulls its images from a registry of ChaosPlane, which is there as long as that takes. */
export function crio(): RuntimeProgram {
  let registry: Registry | undefined;
  return {
    async prepare(place) {
      const { folder, image, programs = '' } = place;
      const at = (name: string): string => join(folder, name);
      await mkdir(at('archive'));
      await execa('tar', ['-xf', image, '-C', at('archive')]);
      registry = await serveImages(at('archive'));
      await writeFile(at('registries.conf'), registries(registry.port));
      await writeFile(at('policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}');
      await writeFile(at('crio.conf'), config(place));
      const files = [
        '--config',
        at('crio.conf'),
        '--config-dir',
        at('none'),
        '--registries-conf',
        at('registries.conf'),
      ];
      return [join(programs, 'crio'), ...files, '--registries-conf-dir', at('none')];
    },
    async load(_place, channel) {
      const images = createClient(cri.ImageServiceDefinition, channel);
      try {
        for (const image of [APP_IMAGE, BARE_IMAGE]) await images.pullImage({ image: { image } });
      } finally {
        registry?.close();
      }
    },
  };
}
