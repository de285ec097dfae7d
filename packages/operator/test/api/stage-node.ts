/** A node of a stage: the API server has it and the pod of its daemon; the daemon is real but for the kernel. */
import { join } from 'node:path';
import { createLogger, systemClock } from '@chaosplane/common';
import { startDaemon, type RunningDaemon } from '@chaosplane/daemon';
import { leases, nodes, pods, refOf, type KubeClient, type Pod } from '@chaosplane/kube';
import { openWire, type Wire } from './wire.ts';
import { FakeNode, memoryJournal, type MemoryJournal } from '@chaosplane/testkit';

/** One node: its name in the cluster, and what stands for its kernel. */
export interface StageNode {
  readonly name: string;
  readonly kernel: FakeNode;
  readonly journal: MemoryJournal;
  /** Where its daemon listens, or did: one that is restarted is found at the same place. */
  address?: string;
  /** What operators connect to in its place. */
  readonly wire: Wire;
  /** The address that the API server has for the daemon's pod. */
  podIp?: string;
  daemon?: RunningDaemon;
  /** Ends its heartbeat. */
  silence(): void;
}

/** How daemons are started. */
export interface StageDaemon {
  readonly namespace: string;
  readonly folder: string;
  readonly tls: { readonly certificate: string; readonly key: string; readonly clientCa: string };
  readonly clientName: string;
}

/** The same for all of them: packets go nowhere here. */
export const NODE_ADDRESS = '192.0.2.250';

/** A node with a daemon that runs. */
export async function addNode(client: KubeClient, name: string, how: StageDaemon): Promise<StageNode> {
  const kernel = new FakeNode({ name });
  const silence = keepAlive(client, name);
  const node: StageNode = { name, kernel, journal: memoryJournal(), wire: await openWire(), silence };
  await client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name } });
  await setReady(client, node, true);
  await startNodeDaemon(node, how);
  await addDaemonPod(client, node, how);
  return node;
}

const HEARTBEAT_MS = 1000;

/**
 * As a kubelet does: where its lease is not renewed, the cluster says after some seconds that no pod of the node is Ready
 * (https://kubernetes.io/docs/concepts/architecture/nodes/#node-heartbeats). Returns what ends it.
 */
function keepAlive(client: KubeClient, name: string): () => void {
  const life = new AbortController();
  const { apiVersion, kind } = leases;
  const metadata = { namespace: 'kube-node-lease', name };
  void (async () => {
    while (!life.signal.aborted) {
      const spec = {
        holderIdentity: name,
        leaseDurationSeconds: 40,
        renewTime: new Date(systemClock.now()).toISOString().replace('Z', '000Z'),
      };
      // The API server may be away in a test.
      await client
        .apply(leases, { apiVersion, kind, metadata, spec }, { fieldManager: 'kubelet', force: true })
        .catch(() => undefined);
      await systemClock.sleep(HEARTBEAT_MS, life.signal).catch(() => undefined);
    }
    await client.delete(leases, metadata).catch(() => undefined);
  })();
  return () => life.abort();
}

/** What a kubelet says of its node, or the API server of one that is silent. */
export async function setReady(client: KubeClient, { name, kernel }: StageNode, ready: boolean): Promise<void> {
  const lastHeartbeatTime = new Date().toISOString();
  const conditions = [{ type: 'Ready', status: ready ? 'True' : 'Unknown', lastHeartbeatTime }];
  const addresses = [{ type: 'InternalIP', address: NODE_ADDRESS }];
  const body = { status: { conditions, addresses, nodeInfo: { bootID: kernel.bootId } } };
  await client.patch(nodes, { name }, { kind: 'merge', body }, { subresource: 'status' });
}

/** As a kubelet restarts a container: in the same pod, at the same address. */
export async function startNodeDaemon(node: StageNode, how: StageDaemon): Promise<void> {
  const { folder, tls, clientName } = how;
  node.daemon = await startDaemon(
    {
      nodeName: node.name,
      socketPath: join(folder, node.name, 'daemon.sock'),
      stateDir: join(folder, node.name, 'state'),
      listen: node.address ?? '127.0.0.1:0',
      tls,
      clientName,
      // The restarts of these nodes are counted, and nothing else.
      allowNodeRestart: true,
    },
    { logger: createLogger({ level: 'silent' }), host: node.kernel.host(), journal: node.journal },
  );
  node.address = node.daemon.addresses.grpc ?? '';
  node.wire.to(node.address);
}

export async function stopNodeDaemon(node: StageNode): Promise<void> {
  await node.daemon?.stop();
  delete node.daemon;
}

/** Another pod at another address, as after an upgrade. */
export async function replaceNodeDaemon(client: KubeClient, node: StageNode, how: StageDaemon): Promise<void> {
  await client.delete(pods, podOf(node, how), { gracePeriodSeconds: 0 });
  await stopNodeDaemon(node);
  delete node.address;
  await startNodeDaemon(node, how);
  await addDaemonPod(client, node, how);
}

const podOf = ({ name }: StageNode, { namespace }: StageDaemon) => ({ namespace, name: `daemon-${name}` });

let daemonPods = 0;

/** The pod of the daemon, as the operator finds it. */
async function addDaemonPod(client: KubeClient, node: StageNode, how: StageDaemon): Promise<void> {
  const labels = { 'app.kubernetes.io/name': 'chaosplane', 'app.kubernetes.io/component': 'daemon' };
  const object = await client.create(pods, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...podOf(node, how), labels },
    spec: { nodeName: node.name, containers: [{ name: 'daemon', image: 'none' }] },
  });
  daemonPods += 1;
  node.podIp = `10.9.${daemonPods >> 8}.${daemonPods & 255}`;
  await running(client, object, node.podIp);
}

/** What a kubelet would write. */
export function running(client: KubeClient, pod: Pod, ip: string): Promise<Pod> {
  const status = {
    phase: 'Running',
    podIP: ip,
    podIPs: [{ ip }],
    conditions: [{ type: 'Ready', status: 'True' }],
    containerStatuses: [],
  };
  return client.patch(pods, refOf(pod), { kind: 'merge', body: { status } }, { subresource: 'status' });
}
