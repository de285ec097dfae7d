/** Runs real pods through CRI in the way a kubelet does. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '@chaosplane/common';
import { cri } from '@chaosplane/proto';
import { APP_IMAGE, BARE_IMAGE } from './image.ts';
import type { StartedRuntime } from './runtime.ts';

export interface ContainerSpec {
  name: string;
  /** Go to the application: `['serve']`, `['call', URL]`. */
  args: string[];
  /** Instead of the application: `['/bin/sh', '-c', …]`. */
  command?: string[];
  /** Of its cgroup; no limit when absent. */
  memoryLimitBytes?: number;
  /** An image with nothing in it but the application. */
  bare?: boolean;
  /** Folders of the machine, as volumes. */
  volumes?: { hostPath: string; containerPath: string }[];
}

export interface PodSpec {
  name: string;
  /** `default` when absent. */
  namespace?: string;
  /** A random one when absent. */
  uid?: string;
  labels?: Record<string, string>;
  hostNetwork?: boolean;
  /** The handler of its runtime class: `SANDBOXED`, where there is gVisor. */
  handler?: string;
  /** In a user namespace of its own (`hostUsers: false`), whose root is this user of the machine. */
  rootIs?: number;
  /** As the kubelet writes it into resolv.conf. Absent: that of the machine. */
  dns?: { servers: string[]; searches: string[] };
  containers: ContainerSpec[];
}

export interface RunningContainer {
  id: string;
  pid: number;
  logPath: string;
}

export interface Pod {
  sandboxId: string;
  name: string;
  namespace: string;
  uid: string;
  /** Empty strings for a pod in the host's network. */
  ips: { v4: string; v6: string };
  /** Absent for a pod in the host's network. */
  netnsPath: string | undefined;
  containers: Record<string, RunningContainer>;
}

interface SandboxInfo {
  runtimeSpec?: { linux?: { namespaces?: { type: string; path?: string }[] } };
}

/** What a kubelet gives a pod of `hostUsers: false`: as many users as there are of 16 bits. */
const usersOf = (rootIs: PodSpec['rootIs']): cri.IDMapping[] =>
  rootIs === undefined ? [] : [{ hostId: rootIs, containerId: 0, length: 65_536 }];

interface KnownPod {
  readonly sandbox: cri.PodSandboxConfig;
  readonly spec: PodSpec;
  /** How often each container was started. */
  readonly attempts: Map<string, number>;
}

/** What a kubelet asks of the runtime for a pod. */
function sandboxConfig(
  { name, namespace, uid, hostNetwork, labels, dns, rootIs }: PodSpec & { namespace: string; uid: string },
  { logDirectory, cgroup }: { logDirectory: string; cgroup: string },
): cri.PodSandboxConfig {
  const { POD, NODE, CONTAINER } = cri.NamespaceMode;
  const users = usersOf(rootIs);
  return cri.PodSandboxConfig.fromPartial({
    metadata: { name, uid, namespace, attempt: 0 },
    hostname: hostNetwork === true ? '' : name,
    logDirectory,
    labels: {
      ...labels,
      'io.kubernetes.pod.name': name,
      'io.kubernetes.pod.namespace': namespace,
      'io.kubernetes.pod.uid': uid,
    },
    ...(dns === undefined ? {} : { dnsConfig: { ...dns, options: ['ndots:5'] } }),
    linux: {
      cgroupParent: `/${cgroup}/pod${uid}`,
      securityContext: {
        namespaceOptions: {
          network: hostNetwork === true ? NODE : POD,
          pid: CONTAINER,
          ipc: POD,
          ...(rootIs === undefined ? {} : { usernsOptions: { mode: POD, uids: users, gids: users } }),
        },
      },
    },
  });
}

/** And for one of its containers. */
function containerConfig(
  { name, args, command = [], memoryLimitBytes, bare, volumes = [] }: ContainerSpec,
  attempt: number,
  { sandbox, spec }: KnownPod,
) {
  const image = bare === true ? BARE_IMAGE : APP_IMAGE;
  const users = usersOf(spec.rootIs);
  return {
    metadata: { name, attempt },
    image: { image, userSpecifiedImage: image },
    command,
    args,
    mounts: volumes.map((volume) => ({ ...volume, readonly: false, uidMappings: users, gidMappings: users })),
    labels: { ...sandbox.labels, 'io.kubernetes.container.name': name },
    logPath: `${name}_${attempt}.log`,
    linux: {
      resources: memoryLimitBytes === undefined ? {} : { memoryLimitInBytes: BigInt(memoryLimitBytes) },
      ...(sandbox.linux?.securityContext ? { securityContext: sandbox.linux.securityContext } : {}),
    },
  };
}

/** The pods of one runtime, all below one cgroup. */
export function createPods(folder: string, cgroup: string, { runtime }: StartedRuntime) {
  const configs = new Map<string, KnownPod>();

  async function startContainer(sandboxId: string, name: string): Promise<RunningContainer> {
    const known = configs.get(sandboxId);
    const wanted = known?.spec.containers.find((container) => container.name === name);
    if (!known || !wanted) throw new Error(`no container ${name} in sandbox ${sandboxId}`);
    const attempt = (known.attempts.get(name) ?? -1) + 1;
    known.attempts.set(name, attempt);
    const { sandbox } = known;
    const config = containerConfig(wanted, attempt, known);
    const { containerId } = await runtime.createContainer({ podSandboxId: sandboxId, sandboxConfig: sandbox, config });
    await runtime.startContainer({ containerId });
    const { info } = await runtime.containerStatus({ containerId, verbose: true });
    const { pid } = JSON.parse(info['info'] ?? '{}') as { pid?: number };
    if (!pid) throw new Error(`the runtime gives no pid for container ${name}`);
    return { id: containerId, pid, logPath: join(sandbox.logDirectory, config.logPath) };
  }

  return {
    /** Starts a pod and all its containers. */
    async runPod(spec: PodSpec): Promise<Pod> {
      const { name, namespace = 'default', uid = crypto.randomUUID() } = spec;
      const logDirectory = join(folder, 'logs', uid);
      await mkdir(logDirectory, { recursive: true });
      const config = sandboxConfig({ ...spec, namespace, uid }, { logDirectory, cgroup });
      const { podSandboxId: sandboxId } = await runtime.runPodSandbox({ config, runtimeHandler: spec.handler ?? '' });
      configs.set(sandboxId, { sandbox: config, spec, attempts: new Map() });
      const { status, info } = await runtime.podSandboxStatus({ podSandboxId: sandboxId, verbose: true });
      const ips = [status?.network?.ip ?? '', ...(status?.network?.additionalIps ?? []).map(({ ip }) => ip)];
      const sandboxInfo = JSON.parse(info['info'] ?? '{}') as SandboxInfo;
      const netnsPath = sandboxInfo.runtimeSpec?.linux?.namespaces?.find(({ type }) => type === 'network')?.path;
      const containers: Record<string, RunningContainer> = {};
      for (const container of spec.containers)
        containers[container.name] = await startContainer(sandboxId, container.name);
      const v4 = ips.find((ip) => ip.includes('.')) ?? '';
      const v6 = ips.find((ip) => ip.includes(':')) ?? '';
      return { sandboxId, name, namespace, uid, ips: { v4, v6 }, netnsPath, containers };
    },
    /** Replaces a container by a new one of the same name in the same sandbox, as a kubelet does; updates `pod`. */
    async restartContainer(pod: Pod, name: string): Promise<RunningContainer> {
      const old = pod.containers[name];
      if (old) {
        await runtime.stopContainer({ containerId: old.id, timeout: 0n });
        await runtime.removeContainer({ containerId: old.id });
      }
      return (pod.containers[name] = await startContainer(pod.sandboxId, name));
    },
    /** As a kubelet does: its containers first, because CRI-O waits for one that ignores SIGTERM without end. */
    async removePod(sandboxId: string): Promise<void> {
      const { containers } = await runtime.listContainers({ filter: { podSandboxId: sandboxId } });
      await Promise.all(containers.map(({ id }) => runtime.stopContainer({ containerId: id, timeout: 0n })));
      await runtime.stopPodSandbox({ podSandboxId: sandboxId });
      await runtime.removePodSandbox({ podSandboxId: sandboxId });
      configs.delete(sandboxId);
    },
    /** Runs a command inside a container, in its own confinement; at most ten seconds. */
    async execSync(containerId: string, cmd: string[]): Promise<{ stdout: string; stderr: string; exitCode: number }> {
      const signal = new AbortController();
      const limit = systemClock.after(12_000, () => signal.abort());
      const answer = await runtime.execSync({ containerId, cmd, timeout: 10n }, { signal: signal.signal });
      limit.cancel();
      return { stdout: answer.stdout.toString(), stderr: answer.stderr.toString(), exitCode: answer.exitCode };
    },
  };
}
