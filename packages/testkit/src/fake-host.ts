/** A stand-in for a node: pods with network namespaces, capabilities, and a record of what happened. */
import { ChaosError, defined } from '@chaosplane/common';
import type { CapabilityName, Container, Host, HostCapability, SandboxDetail } from '@chaosplane/daemon/host';
import { FakeNetns } from './fake-netns.ts';
import { FakeProcesses, type FakeContainer } from './fake-processes.ts';

/** A pod of the fake node. */
export interface FakePod {
  readonly sandbox: SandboxDetail;
  readonly netns: FakeNetns;
  /** The containers that it was started with. */
  readonly containers: readonly FakeContainer[];
}

const capabilityNames: readonly CapabilityName[] = [
  'root',
  'nftables',
  'netdev-egress',
  'netns-cookie',
  'tc',
  'sch-htb',
  'sch-tbf',
  'sch-netem',
  'ifb',
  'nfqueue',
  'nft-queue',
  'tun',
  'container-runtime',
  'stress-ng',
  'cgroup-v1',
  'cgroup-v2',
];

/** The node. Daemons come and go; it stays. */
export class FakeNode {
  bootId = 'boot-1';
  readonly processes = new FakeProcesses();
  readonly #pods = new Map<string, FakePod>();
  readonly #paths = new Map<string, FakeNetns>();
  readonly #missing: ReadonlySet<CapabilityName>;
  #serial = 0;

  /** What DNS says. */
  readonly names = new Map<string, readonly string[]>();
  readonly #name: string;

  constructor(options: { missing?: readonly CapabilityName[]; name?: string } = {}) {
    this.#name = options.name ?? 'node-1';
    this.#missing = new Set(options.missing ?? []);
  }

  /** Starts a pod; one of the same name and namespace gets a sandbox and a namespace of its own. */
  addPod(
    name: string,
    options: {
      namespace?: string;
      uid?: string;
      hostNetwork?: boolean;
      runtimeHandler?: string;
      runtimeType?: string;
      path?: string;
      /** Default: one, `app`. */
      containers?: readonly string[];
      /** All of them are one process of the node, as in gVisor. */
      oneProcess?: boolean;
    } = {},
  ): FakePod {
    const serial = ++this.#serial;
    const path = options.path ?? `/run/netns/cni-${serial}`;
    const netns = new FakeNetns(path, String(1000 + serial));
    const hostNetwork = options.hostNetwork ?? false;
    const sandbox: SandboxDetail = {
      id: `sandbox-${serial}`,
      podName: name,
      podNamespace: options.namespace ?? 'default',
      podUid: options.uid ?? `uid-${serial}`,
      ready: true,
      createdAt: BigInt(serial),
      labels: {},
      runtimeHandler: options.runtimeHandler ?? '',
      ...defined({ runtimeType: options.runtimeType }),
      hostNetwork,
      ips: [`10.0.0.${serial}`],
      dns: { servers: ['10.96.0.10'], searches: ['default.svc.cluster.local'], ndots: 5 },
      ...(hostNetwork ? {} : { netnsPath: path }),
    };
    const containers: FakeContainer[] = [];
    for (const each of options.containers ?? ['app']) {
      const shared = options.oneProcess === true ? containers[0]?.process : undefined;
      containers.push(this.processes.addContainer(sandbox.id, each, shared));
    }
    const pod = { sandbox, netns, containers };
    this.#pods.set(sandbox.id, pod);
    this.#paths.set(path, netns);
    return pod;
  }

  removePod(pod: FakePod): void {
    this.#pods.delete(pod.sandbox.id);
    this.processes.removePod(pod.sandbox.id);
    if (this.#paths.get(pod.netns.path) === pod.netns) this.#paths.delete(pod.netns.path);
  }

  /** Everything in every namespace, and all processes, as text. */
  print(): string {
    const pods = [...this.#pods.values()].map(({ sandbox, netns }) => `# ${sandbox.podName}\n${netns.print()}`);
    return [...pods, '# processes', this.processes.print()].join('\n');
  }

  /** The node as a daemon sees it. */
  host(): Host {
    const pods = this.#pods;
    return {
      nodeName: this.#name,
      bootId: this.bootId,
      kernelRelease: '6.1.0',
      ownNetnsCookies: ['1'],
      ...this.processes.host(),
      runtime: {
        version: async () => 'fake 1',
        sandboxes: async () => [...pods.values()].map(({ sandbox }) => sandbox),
        sandboxesOf: async () => [...pods.values()].map(({ sandbox }) => sandbox),
        sandbox: async (id) => pods.get(id)?.sandbox,
        describe: async ({ id }) => pods.get(id)?.sandbox,
        containers: async (sandboxId): Promise<Container[]> =>
          this.processes
            .containersOf(sandboxId)
            .map(({ id, name, exit }) => ({ id, sandboxId, name, state: exit === undefined ? 'running' : 'exited' })),
        ...this.processes.runtime(),
        close: () => undefined,
      },
      capabilities: async () => capabilityNames.map((name) => this.#capability(name)),
      openNetns: (path) => {
        const netns = this.#paths.get(path);
        if (netns === undefined) throw new ChaosError('NOT_FOUND', `no network namespace at ${path}`);
        return netns.open();
      },
      // As with a bridge: its address is the first one of the pods' network.
      sourcesTowards: (addresses) => [...new Set(addresses.map((address) => address.replace(/\.\d+$/, '.254')))],
      lookUp: async (_path, name) => {
        const addresses = this.names.get(name);
        if (addresses === undefined)
          throw new ChaosError('FAILED_PRECONDITION', `the host name ${name} has no address`);
        return { addresses, ttlMs: 1000 };
      },
      close: async () => undefined,
    };
  }

  #capability(name: CapabilityName): HostCapability {
    const available = !this.#missing.has(name);
    return { name, available, detail: 'fake', remedy: available ? '' : `install ${name}` };
  }
}
