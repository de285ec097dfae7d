/** Starts a containerd of our own: private root, state, socket, network and cgroups. */
import { spawn } from 'node:child_process';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { createChannel, createClient, type Channel } from 'nice-grpc';
import { systemClock } from '@chaosplane/common';
import { cri } from '@chaosplane/proto';
import { APP_IMAGE } from './image.ts';
import { firstExisting } from './prerequisites.ts';

const START_DEADLINE_MS = 30_000;

async function config(folder: string): Promise<string> {
  const bridge = (await firstExisting(['/usr/lib/cni/bridge', '/opt/cni/bin/bridge'])) ?? '/opt/cni/bin/bridge';
  const criPlugin = 'plugins."io.containerd.grpc.v1.cri"';
  return `version = 2
root = "${folder}/root"
state = "${folder}/state"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs"]
[grpc]
  address = "${folder}/containerd.sock"
[${criPlugin}]
  sandbox_image = "${APP_IMAGE}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  netns_mounts_under_state_dir = true
[${criPlugin}.cni]
  bin_dir = "${bridge.slice(0, -'/bridge'.length)}"
  conf_dir = "${folder}/cni"
[${criPlugin}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[${criPlugin}.containerd.runtimes.runc.options]
  Root = "${folder}/runc"
`;
}

/** The CRI of a containerd that runs in `folder`. */
export interface Containerd {
  endpoint: string;
  channel: Channel;
  runtime: ReturnType<typeof client>;
}

const client = (channel: Channel) => createClient(cri.RuntimeServiceDefinition, channel);

/** Starts containerd and imports the image; throws with the end of its log when it does not answer in 30 s. */
export async function startContainerd(folder: string, image: string, signal?: AbortSignal): Promise<Containerd> {
  await writeFile(join(folder, 'config.toml'), await config(folder));
  const log = await open(join(folder, 'containerd.log'), 'a');
  const child = spawn('containerd', ['--config', join(folder, 'config.toml')], {
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  });
  // A program that cannot be started shows as a CRI that never answers.
  child.once('error', () => undefined);
  child.unref();
  await log.close();
  const endpoint = `unix://${folder}/containerd.sock`;
  const channel = createChannel(endpoint);
  const runtime = client(channel);
  const deadline = systemClock.monotonic() + START_DEADLINE_MS;
  try {
    for (;;) {
      const failure = await runtime.version({}).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failure === undefined) break;
      if (systemClock.monotonic() > deadline) {
        const tail = (await readFile(join(folder, 'containerd.log'), 'utf8')).split('\n').slice(-8).join('\n');
        throw new Error(`containerd does not answer; its log ends:\n${tail}`, { cause: failure });
      }
      await systemClock.sleep(50, signal);
    }
    await execa('ctr', ['-n', 'k8s.io', '-a', `${folder}/containerd.sock`, 'images', 'import', image]);
  } catch (error) {
    channel.close();
    throw error;
  }
  return { endpoint, channel, runtime };
}
