/** The container runtime over CRI: containerd or CRI-O, on its unix socket. */
import { ChaosError, defined, systemClock } from '@chaosplane/common';
import { cri } from '@chaosplane/proto';
import { ClientError, createChannel, createClient, Status } from 'nice-grpc';
import type { Container, ContainerDetail, ContainerRuntime, Sandbox, SandboxDetail } from '../../contract/host.ts';
import { EXEC_PATIENCE_MS, EXEC_SECONDS, execFailure, execResult, tooLate } from './exec-answer.ts';
import { detectRuntimeEndpoint, noRuntime } from './runtime-endpoint.ts';
import { containerPid, dnsView, networkNamespacePath, resolvConfPath, runtimeTypeOf } from './sandbox-info.ts';
import { readResolvConf } from './resolv-conf-file.ts';

const CALL_TIMEOUT_MS = 10_000;

/** As the kubelet: the list of what is on a full node takes more than the 4 MiB that a client takes by itself. */
const MOST_MESSAGE_BYTES = 16 * 2 ** 20;

/**
 * The runtime behind `endpoint` (`unix:///…` or a path), or the one that is found. Connects at the first call; a runtime that
 * starts after the daemon is found by the next call, and until then every call is refused with FAILED_PRECONDITION.
 * Calls throw ChaosError: UNAVAILABLE when the runtime does not answer within 10 s.
 */
export function connectRuntime(endpoint: string | undefined): ContainerRuntime {
  let connected: ContainerRuntime | undefined;
  const runtime = (): ContainerRuntime => {
    const address = detectRuntimeEndpoint(endpoint);
    if (connected === undefined && address === undefined) return noRuntime();
    return (connected ??= connectTo(address ?? ''));
  };
  return {
    version: (signal) => runtime().version(signal),
    sandboxes: (signal) => runtime().sandboxes(signal),
    sandboxesOf: (pod) => runtime().sandboxesOf(pod),
    sandbox: (id, signal) => runtime().sandbox(id, signal),
    describe: (listed) => runtime().describe(listed),
    containers: (sandboxId, signal) => runtime().containers(sandboxId, signal),
    container: (id, signal) => runtime().container(id, signal),
    exec: (id, argv, signal) => runtime().exec(id, argv, signal),
    close: () => connected?.close(),
  };
}

function connectTo(address: string): ContainerRuntime {
  const channel = createChannel(address, undefined, { 'grpc.max_receive_message_length': MOST_MESSAGE_BYTES });
  const client = createClient(cri.RuntimeServiceDefinition, channel);
  /** Of ready sandboxes, until they are listed no more; two that ask at the same time share the answer. */
  const described = new Map<string, Promise<SandboxDetail | undefined>>();
  const sandboxes = (signal?: AbortSignal): Promise<Sandbox[]> =>
    call(address, signal, async (options) => (await client.listPodSandbox({}, options)).items.map(sandboxOf));
  const sandbox = (id: string, signal?: AbortSignal): Promise<SandboxDetail | undefined> =>
    orAbsent(
      call(address, signal, (options) =>
        client.podSandboxStatus({ podSandboxId: id, verbose: true }, options).then(detailOf),
      ),
    );
  return {
    version: (signal) =>
      call(address, signal, async (options) => {
        const { runtimeName, runtimeVersion } = await client.version({ version: 'v1' }, options);
        return `${runtimeName} ${runtimeVersion}`;
      }),
    async sandboxes(signal) {
      const listed = await sandboxes(signal);
      const there = new Set(listed.map(({ id }) => id));
      for (const id of described.keys()) if (!there.has(id)) described.delete(id);
      return listed;
    },
    async sandboxesOf({ podNamespace, podName }) {
      // The kubelet labels every sandbox so; others who make pods need not.
      const labelSelector = { 'io.kubernetes.pod.namespace': podNamespace, 'io.kubernetes.pod.name': podName };
      const filter = { id: '', labelSelector };
      const { items } = await call(address, undefined, (options) => client.listPodSandbox({ filter }, options));
      return items.length > 0 ? items.map(sandboxOf) : sandboxes();
    },
    sandbox,
    async describe(listed) {
      const { id } = listed;
      const asked = described.get(id) ?? sandbox(id);
      described.set(id, asked);
      const detail = await asked.catch((error: unknown) => {
        described.delete(id);
        throw error;
      });
      // What is not ready may still change.
      if (detail?.ready !== true) described.delete(id);
      return detail?.ready === true ? { ...detail, ...listed } : detail;
    },
    containers: (sandboxId, signal) =>
      call(address, signal, async (options) => {
        const filter = { id: '', podSandboxId: sandboxId, labelSelector: {} };
        return (await client.listContainers({ filter }, options)).containers.map(containerOf);
      }),
    container: (id, signal) =>
      orAbsent(
        call(address, signal, async (options) => {
          const filter = { id, podSandboxId: '', labelSelector: {} };
          const { containers } = await client.listContainers({ filter }, options);
          const listed = containers.find((container) => container.id === id);
          if (listed === undefined) return undefined;
          return detailOfContainer(listed, await client.containerStatus({ containerId: id, verbose: true }, options));
        }),
      ),
    async exec(containerId, argv, signal) {
      // The runtime ends the command; this deadline is for a runtime that does not.
      const limit = AbortSignal.timeout(EXEC_SECONDS * 1000 + EXEC_PATIENCE_MS);
      const all = signal === undefined ? limit : AbortSignal.any([signal, limit]);
      const request = { containerId, cmd: [...argv], timeout: BigInt(EXEC_SECONDS) };
      try {
        return execResult(argv, await client.execSync(request, { signal: all }));
      } catch (error) {
        if (limit.aborted) throw tooLate(argv, error);
        if (error instanceof ClientError) throw execFailure(argv, error) ?? explained(address, error);
        throw error;
      }
    },
    close: () => {
      channel.close();
    },
  };
}

async function call<T>(
  address: string,
  outer: AbortSignal | undefined,
  run: (options: { signal: AbortSignal }) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const timer = systemClock.after(CALL_TIMEOUT_MS, () => {
    deadline.abort();
  });
  const signal = outer === undefined ? deadline.signal : AbortSignal.any([outer, deadline.signal]);
  try {
    return await run({ signal });
  } catch (error) {
    if (deadline.signal.aborted) throw silent(address, `no answer within ${CALL_TIMEOUT_MS / 1000} s`, error);
    if (error instanceof ClientError) throw explained(address, error);
    throw error;
  } finally {
    timer.cancel();
  }
}

function silent(address: string, why: string, cause: unknown): ChaosError {
  const wayOut = 'check that it runs, or give its socket with --runtime-endpoint';
  return new ChaosError('UNAVAILABLE', `the container runtime at ${address} does not answer (${why}): ${wayOut}`, {
    cause,
  });
}

function explained(address: string, error: ClientError): ChaosError {
  if (error.code === Status.UNAVAILABLE || error.code === Status.DEADLINE_EXCEEDED)
    return silent(address, error.details, error);
  const code = error.code === Status.NOT_FOUND ? 'NOT_FOUND' : 'INTERNAL';
  return new ChaosError(code, `the container runtime at ${address} answered: ${error.details}`, { cause: error });
}

async function orAbsent<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof ChaosError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

function sandboxOf(
  item: Pick<cri.PodSandbox, 'id' | 'metadata' | 'state' | 'createdAt' | 'labels' | 'runtimeHandler'>,
): Sandbox {
  return {
    id: item.id,
    podName: item.metadata?.name ?? '',
    podNamespace: item.metadata?.namespace ?? '',
    podUid: item.metadata?.uid ?? '',
    ready: item.state === cri.PodSandboxState.SANDBOX_READY,
    createdAt: item.createdAt,
    labels: item.labels,
    runtimeHandler: item.runtimeHandler,
  };
}

async function detailOf({ status, info }: cri.PodSandboxStatusResponse): Promise<SandboxDetail> {
  if (status === undefined) throw new ChaosError('NOT_FOUND', 'the container runtime gave no status of the sandbox');
  const hostNetwork = status.linux?.namespaces?.options?.network === cri.NamespaceMode.NODE;
  const { ip = '', additionalIps = [] } = status.network ?? {};
  const ips = [ip, ...additionalIps.map((more) => more.ip)].filter((address) => address !== '');
  const netnsPath = hostNetwork ? undefined : networkNamespacePath(info['info']);
  const dns = dnsView(info['info']) ?? (await readResolvConf(resolvConfPath(info['info'])));
  const runtimeType = runtimeTypeOf(info['info']);
  return {
    ...sandboxOf(status),
    hostNetwork,
    ips,
    ...defined({ netnsPath, dns, runtimeType }),
  };
}

function containerOf({ id, podSandboxId, metadata, state }: cri.Container): Container {
  return { id, sandboxId: podSandboxId, name: metadata?.name ?? '', state: stateNames.get(state) ?? 'unknown' };
}

function detailOfContainer(
  listed: cri.Container,
  { status, info }: cri.ContainerStatusResponse,
): ContainerDetail | undefined {
  if (status === undefined) return undefined;
  const state = stateNames.get(status.state) ?? 'unknown';
  const pid = state === 'running' ? containerPid(info['info']) : undefined;
  const exit = { exitCode: status.exitCode, finishedAt: Math.floor(Number(status.finishedAt / 1_000_000n)) };
  return {
    ...containerOf(listed),
    state,
    ...defined({ pid }),
    ...(state === 'exited' ? exit : {}),
  };
}

const stateNames = new Map<cri.ContainerState, Container['state']>([
  [cri.ContainerState.CONTAINER_CREATED, 'created'],
  [cri.ContainerState.CONTAINER_RUNNING, 'running'],
  [cri.ContainerState.CONTAINER_EXITED, 'exited'],
]);
