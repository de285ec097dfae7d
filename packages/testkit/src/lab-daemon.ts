/** The daemon's engine over a laboratory: everything is real but the container runtime, whose one pod is the target. */
import { defined } from '@chaosplane/common';
import { createHost } from '@chaosplane/daemon';
import type { Engine, EngineConfig, ExecOptions, Observed } from '@chaosplane/daemon/engine';
import type {
  CapabilityName,
  Container,
  ContainerRuntime,
  Host,
  HostCapability,
  SandboxDetail,
} from '@chaosplane/daemon/host';
import type { ExecutionRecord, Journal } from '@chaosplane/daemon/journal';
import type { Lab } from './lab.ts';
import { memoryJournal } from './memory-journal.ts';
import { startTestEngine } from './test-engine.ts';

/** The values of the request's `action`. */
export type NetworkAction = 'delay' | 'loss' | 'corrupt' | 'duplicate' | 'partition' | 'bandwidth';

/** An HTTP or DNS fault, as a request asks for it. */
export type ProxiedFault =
  | { readonly rpc: 'execHTTPChaos'; readonly wireAction: 'delay' | 'abort' }
  | { readonly rpc: 'execDNSChaos'; readonly wireAction: 'error' };

export const [httpAbort, dnsError]: readonly [ProxiedFault, ProxiedFault] = [
  { rpc: 'execHTTPChaos', wireAction: 'abort' },
  { rpc: 'execDNSChaos', wireAction: 'error' },
];

/** What tests do with it. */
export interface LabDaemon {
  readonly engine: Engine;
  /** Carries out a network fault on the target. */
  exec(
    wireAction: NetworkAction,
    parameters: Readonly<Record<string, string>>,
    options?: Partial<ExecOptions>,
  ): Promise<ExecutionRecord>;
  /** Carries out an HTTP or DNS fault on the target. */
  execProxied(
    fault: ProxiedFault,
    parameters: Readonly<Record<string, string>>,
    options?: Partial<ExecOptions>,
  ): Promise<ExecutionRecord>;
  observe(record: ExecutionRecord): Promise<Observed>;
  cancel(record: ExecutionRecord): Promise<ExecutionRecord | undefined>;
  /** Ends the daemon and leaves in the kernel what is there. */
  leave(): Promise<void>;
  /** Undoes everything, then ends. Idempotent. */
  close(): Promise<void>;
}

/** What runtime and node say of the target, beside its network. */
export interface LabPod extends Pick<SandboxDetail, 'dns'>, Partial<Pick<Host, 'sourcesTowards'>> {
  /** The first process of its one container; absent: it has none. */
  readonly pid?: number;
}

/** Starts one; with the journal of one before, it takes over what that left. */
export async function startLabDaemon(
  lab: Pick<Lab, 'target'>,
  placement: Partial<EngineConfig['placement']> = {},
  { sourcesTowards, ...pod }: LabPod = {},
  journal: Journal = memoryJournal(),
): Promise<LabDaemon> {
  const host = await createHost({ nodeName: 'node' });
  const engine = await startTestEngine({
    host: { ...host, runtime: runtimeOf(lab, pod), ...defined({ sourcesTowards }) },
    journal,
    config: { placement: { engine: 'auto', hooks: 'auto', ...placement } },
  });
  let leaving: Promise<void> | undefined;
  const end = async (): Promise<void> => {
    await engine.stop();
    await host.close();
  };
  const leave = (): Promise<void> => (leaving ??= end());
  const inject = async (
    fault: ProxiedFault | { readonly rpc: 'execNetworkChaos'; readonly wireAction: NetworkAction },
    parameters: Readonly<Record<string, string>>,
    options: Partial<ExecOptions> = {},
  ): Promise<ExecutionRecord> => {
    const injection = await engine.exec({
      ...fault,
      experimentId: 'lab',
      parameters: { podName: 'target', ...parameters },
      options: { operatorEpoch: 0, dryRun: false, peers: [], ...options },
    });
    if (injection.kind !== 'injected') throw new Error(`it was ${injection.kind}`);
    return injection.record;
  };
  return {
    engine,
    exec: (wireAction, parameters, options) => inject({ rpc: 'execNetworkChaos', wireAction }, parameters, options),
    execProxied: inject,
    observe: (record) => engine.get(record.id),
    cancel: (record) => engine.cancel(record.id),
    leave,
    async close() {
      if (leaving === undefined) await engine.recoverAll();
      await leave();
    },
  };
}

/** What this machine's kernel can do; asked once, at the top of a test file. */
export async function kernelCapabilities(): Promise<(name: CapabilityName) => HostCapability> {
  const host = await createHost({ nodeName: 'node' });
  const found = await host.capabilities();
  await host.close();
  return (name) => {
    const capability = found.find((candidate) => candidate.name === name);
    if (capability === undefined) throw new Error(`no test looked for ${name}`);
    return capability;
  };
}

/** Emulated machines run JavaScript twenty times slower: what takes many packets is tried fewer times there. */
export const emulated = process.env['CHAOSPLANE_TEST_EMULATED'] === 'true';

/** Whether the clock of an emulated machine counts its instructions; see tools/vm. */
const countedClock = process.env['CHAOSPLANE_TEST_COUNTED_CLOCK'] === 'true';

/** A deadline that is soon, and yet not over before something was asked once. */
export const SOON_MS = emulated ? 4000 : 1500;

/** An engine that delays packets, and why it is not tested here when it is not. */
export interface Shaper {
  readonly engine: 'netem' | 'tap' | 'queue';
  readonly skipped?: string;
}

/** The engine behind the one that was asked for: what comes in waits in the queue, with every backend for what is sent. */
export function engineFor(engine: Shaper['engine'], direction: 'egress' | 'ingress'): Shaper['engine'] {
  return engine === 'tap' && direction === 'ingress' ? 'queue' : engine;
}

/**
 * The engines that delay. An emulated machine runs JavaScript twenty times slower, so that user space is never on time
 * there: it is there for netem, and user space is measured on the machine itself. `besideNetem`: netem is measured in the same run, so
 * TAP devices are, too, where the machine's clock counts instructions, and no other work of the host takes time from one of them.
 */
export async function shapersOfKernel({ besideNetem = false } = {}): Promise<readonly Shaper[]> {
  const capability = await kernelCapabilities();
  return (
    [
      ['netem', 'sch-netem'],
      ['tap', 'tun'],
      ['queue', 'nfqueue'],
    ] as const
  ).map(([engine, needed]): Shaper => {
    const { available, detail } = capability(needed);
    if (!available) return { engine, skipped: `this kernel has no ${needed}: ${detail.split('\n')[0] ?? ''}` };
    const tooSlow = emulated && engine !== 'netem' && !(engine === 'tap' && besideNetem && countedClock);
    return tooSlow ? { engine, skipped: 'an emulated machine is too slow' } : { engine };
  });
}

function runtimeOf({ target }: Pick<Lab, 'target'>, { pid, ...pod }: Omit<LabPod, 'sourcesTowards'>): ContainerRuntime {
  const sandbox: SandboxDetail = {
    id: `sandbox-${target.name}`,
    podName: 'target',
    podNamespace: 'default',
    podUid: `uid-${target.name}`,
    ready: true,
    createdAt: 1n,
    labels: {},
    runtimeHandler: '',
    hostNetwork: false,
    ips: [target.ipv4, target.ipv6],
    netnsPath: target.path,
    ...pod,
  };
  const app: Container = { id: `app-${target.name}`, sandboxId: sandbox.id, name: 'app', state: 'running' };
  return {
    version: async () => 'lab 1',
    sandboxes: async () => [sandbox],
    sandboxesOf: async () => [sandbox],
    sandbox: async (id) => (id === sandbox.id ? sandbox : undefined),
    describe: async () => sandbox,
    containers: async () => (pid === undefined ? [] : [app]),
    container: async (id) => (pid === undefined || id !== app.id ? undefined : { ...app, pid }),
    exec: () => Promise.reject(new Error('nothing is run in containers here')),
    close: () => undefined,
  };
}
