/** A stage for operators: a real API server, nodes whose daemons are real but for the kernel, and pods that only the API knows. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, type Logger, systemClock } from '@chaosplane/common';
import {
  createKubeClient,
  isNotFound,
  namespaces,
  nodes,
  pods,
  resourceType,
  services,
  type Container,
  type KubeClient,
  type KubeObject,
  type Pod,
  type ResourceType,
} from '@chaosplane/kube';
import { loadCluster } from '@chaosplane/kube/config';
import type { FakePod } from '@chaosplane/testkit';
import { sharedControlPlane, type Cluster } from '@chaosplane/testcluster';
import { createAuthority, issueClient, issueServer, type Pair } from '../../src/certificates/issue.ts';
import { leavesOf } from '../../src/certificates/secrets.ts';
import { chaosExperiments, chaosWorkflows, type ExperimentObject } from '@chaosplane/api';
import { eventually } from '@chaosplane/testkit/eventually';
import { chartRights, type ChartRights } from './chart-rights.ts';
import { loadCredentials } from '../../src/daemons/credentials.ts';
import { connectDaemons, type Daemons } from '../../src/daemons/daemons.ts';
import { addNode, replaceNodeDaemon, running, startNodeDaemon, stopNodeDaemon, type StageNode } from './stage-node.ts';
import {
  abandon,
  operatorConfig,
  startStaged,
  type Identity,
  type IdentityFiles,
  type OperatorOptions,
  type StagedOperator,
} from './stage-operator.ts';

/** Without the one called default, the API server takes no pods. */
const serviceAccountKind = { apiVersion: 'v1', kind: 'ServiceAccount' };
const serviceAccounts = resourceType<KubeObject>({
  ...serviceAccountKind,
  plural: 'serviceaccounts',
  namespaced: true,
});

const NAMES = {
  clusterDomain: 'cluster.local',
  daemonService: 'chaosplane-daemon',
  operatorName: 'chaosplane-operator',
};

const onAnyNode = { tolerations: [{ operator: 'Exists' }] };

/** A pod of the API server and of its node. */
export interface StagePod {
  readonly object: Pod;
  readonly fake: FakePod;
  readonly node: StageNode;
}

/** An API server and a certificate authority; a file of tests has one. */
export interface ApiServerFixture {
  readonly cluster: Cluster;
  readonly client: KubeClient;
  readonly folder: string;
  /** A stage of its own: a namespace, two nodes with daemons. */
  stage(options?: { readonly nodes?: number }): Promise<Stage>;
  close(): Promise<void>;
}

/** What one test plays on. */
export interface Stage {
  readonly namespace: string;
  readonly client: KubeClient;
  /** The same API server, with the rights that the chart gives the operator, and no others. */
  readonly operatorClient: KubeClient;
  readonly nodes: readonly StageNode[];
  /** Its only container is like `container`. */
  addPod(
    name: string,
    node: StageNode,
    labels?: Record<string, string>,
    container?: Partial<Container>,
  ): Promise<StagePod>;
  startDaemon(node: StageNode): Promise<void>;
  /** Another pod at another address, as after an upgrade. */
  replaceDaemon(node: StageNode): Promise<void>;
  stopDaemon(node: StageNode): Promise<void>;
  /** Connections to the daemons, as an operator has them. */
  connect(): Promise<Daemons>;
  startOperator(options?: OperatorOptions): StagedOperator;
  apply(name: string, spec: object): Promise<ExperimentObject>;
  get(name: string): Promise<ExperimentObject | undefined>;
  /** The experiment as soon as it is like that. */
  until(name: string, like: (object: ExperimentObject) => boolean, limitMs?: number): Promise<ExperimentObject>;
  /** What the nodes' kernels hold, as text. */
  print(): string;
  close(): Promise<void>;
}

export async function openApiServerFixture(): Promise<ApiServerFixture> {
  const cluster = await sharedControlPlane();
  const folder = await mkdtemp(join(tmpdir(), 'chaosplane-api-'));
  const client = createKubeClient(loadCluster({ kubeconfig: cluster.kubeconfig }), {
    logger: createLogger({ level: 'silent' }),
  });
  const crds = join(import.meta.dirname, '../../../../charts/chaosplane/crds');
  const files = (await readdir(crds)).flatMap((name) => ['-f', join(crds, name)]);
  await cluster.kubectl(['apply', '--server-side', ...files]);
  await cluster.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s']);
  await forget(client, chaosWorkflows);
  await forget(client, chaosExperiments);
  const authority = await createAuthority({ now: Date.now() });
  const rights = await chartRights(cluster);
  return {
    cluster,
    client,
    folder,
    stage: ({ nodes: count = 2 } = {}) => openStage({ client, folder, authority, rights }, count),
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

/** What files before have left, whose namespaces wait for an operator to let it go. */
async function forget<T extends KubeObject>(client: KubeClient, type: ResourceType<T>): Promise<void> {
  // A resource is established before its storage answers.
  const { items } = await eventually(`${type.plural} are listed`, () => client.list(type).catch(() => undefined));
  await Promise.all(
    items.map(async ({ metadata: { namespace = '', name } }) => {
      const body = { metadata: { finalizers: null } };
      try {
        await client.patch(type, { namespace, name }, { kind: 'merge', body });
        await client.delete(type, { namespace, name });
      } catch (error) {
        // Its namespace has taken it along in between.
        if (!isNotFound(error)) throw error;
      }
    }),
  );
}

interface StageParts {
  readonly client: KubeClient;
  readonly folder: string;
  readonly authority: Pair;
  readonly rights: ChartRights;
}

async function openStage(parts: StageParts, count: number): Promise<Stage> {
  const { client, authority } = parts;
  const id = randomBytes(3).toString('hex');
  const namespace = `stage-${id}`;
  const folder = await mkdtemp(join(parts.folder, `${id}-`));
  const logger: Logger = createLogger({
    level: (process.env['CHAOSPLANE_TEST_LOG'] as 'info' | undefined) ?? 'silent',
    pretty: true,
  });
  await makeNamespace(client, namespace);
  const account = await parts.rights(client, namespace);
  const { server, operator, ca, token } = await issueFiles(folder, namespace, authority);
  const daemon = {
    namespace,
    folder,
    tls: { ...server, clientCa: ca },
    clientName: `${NAMES.operatorName}.${namespace}.svc`,
  };
  const stageNodes = await Promise.all(
    Array.from({ length: count }, (_, index) => addNode(client, `${namespace}-n${index + 1}`, daemon)),
  );

  const connect = async (): Promise<Daemons> => {
    const { channel } = await loadCredentials({ ...operator, ca, token }, { clock: systemClock, logger });
    return connectDaemons({
      credentials: channel,
      nameOf: (label) => `${label}.${NAMES.daemonService}.${namespace}.svc.cluster.local`,
      // There is no cluster DNS: who asks for a name is refused, as long as it has no record.
      targetOf: (_label, ip) => `dns:${stageNodes.find(({ podIp }) => podIp === ip)?.wire.address ?? '127.0.0.1:1'}`,
    });
  };

  let serial = 0;
  const started: StagedOperator[] = [];
  const open: Daemons[] = [];
  return {
    namespace,
    client,
    operatorClient: account.client,
    nodes: stageNodes,
    async addPod(name, node, labels = { app: 'web' }, container = {}) {
      const object = await client.create(pods, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { namespace, name, labels },
        // No kubelet says that these nodes are well, so that pods without this are deleted after less than a minute.
        spec: { ...onAnyNode, nodeName: node.name, containers: [{ name: 'app', image: 'none', ...container }] },
      });
      serial += 1;
      const known = await running(client, object, `10.8.${serial >> 8}.${serial & 255}`);
      const uid = object.metadata.uid ?? '';
      return {
        object: known,
        fake: node.kernel.addPod(name, { namespace, uid, path: `/run/netns/${namespace}-${name}` }),
        node,
      };
    },
    startDaemon: (node) => startNodeDaemon(node, daemon),
    stopDaemon: stopNodeDaemon,
    replaceDaemon: (node) => replaceNodeDaemon(client, node, daemon),
    connect,
    startOperator(options = {}) {
      const daemons = async (): Promise<Daemons> => {
        const connected = options.daemons ?? (await connect());
        open.push(connected);
        return connected;
      };
      const files = { ...operator, ca, token };
      const config = operatorConfig(namespace, files, { identity: `operator-${started.length}`, ...options });
      const staged = startStaged(config, daemons, { client: account.client, logger, ...options });
      started.push(options.doomed === true ? { ...staged, stop: abandon(staged.stop) } : staged);
      return staged;
    },
    ...experimentsOf(client, namespace),
    print: () => stageNodes.map(({ name, kernel }) => `## ${name}\n${kernel.print()}`).join('\n'),
    async close() {
      await Promise.allSettled(started.map(async ({ stop }) => stop()));
      for (const daemons of open) daemons.close();
      await Promise.all(stageNodes.map(async ({ daemon: one, wire }) => Promise.all([one?.stop(), wire.close()])));
      for (const node of stageNodes) {
        node.silence();
        await client.delete(nodes, { name: node.name });
      }
      await account.close();
      await client.delete(namespaces, { name: namespace });
    },
  };
}

/** The experiments of a namespace. */
function experimentsOf(client: KubeClient, namespace: string): Pick<Stage, 'apply' | 'get' | 'until'> {
  return {
    apply: (name, spec) =>
      client.apply(
        chaosExperiments,
        {
          apiVersion: chaosExperiments.apiVersion,
          kind: chaosExperiments.kind,
          metadata: { namespace, name },
          spec,
        },
        { fieldManager: 'test' },
      ),
    get: (name) => client.get(chaosExperiments, { namespace, name }),
    until(name, like, limitMs) {
      return eventually(
        `the experiment ${name}`,
        async () => {
          const object = await client.get(chaosExperiments, { namespace, name });
          return object !== undefined && like(object) ? object : undefined;
        },
        { withinMs: limitMs },
      );
    },
  };
}

/** A namespace with what its API server wants of it. */
export async function makeBareNamespace(client: KubeClient, namespace: string): Promise<void> {
  await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  // Its controller would make it too, some time; after the API server was away, in its own good time.
  const account = { ...serviceAccountKind, metadata: { namespace, name: 'default' } };
  await client.apply(serviceAccounts, account, { fieldManager: 'test', force: true });
}

/** The same with the Service of the daemons. */
async function makeNamespace(client: KubeClient, namespace: string): Promise<void> {
  await makeBareNamespace(client, namespace);
  await client.create(services, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace, name: NAMES.daemonService },
    spec: { clusterIP: 'None', ports: [{ name: 'grpc', port: 50_051 }] },
  });
}

async function issueFiles(folder: string, namespace: string, authority: Pair): Promise<IdentityFiles> {
  const identities = await Promise.all(
    leavesOf({ ...NAMES, namespace }).map(async ({ purpose, commonName, dnsNames }) => {
      const make = purpose === 'server' ? issueServer : issueClient;
      const pair = await make(authority, { commonName, dnsNames, now: Date.now() });
      const [certificate, key] = [join(folder, `${commonName}.crt`), join(folder, `${commonName}.key`)];
      await writeFile(certificate, pair.certificate);
      await writeFile(key, pair.key, { mode: 0o600 });
      return { certificate, key };
    }),
  );
  const [server, operator] = identities as [Identity, Identity];
  const ca = join(folder, 'ca.crt');
  const token = join(folder, 'token');
  await writeFile(ca, authority.certificate);
  // Reviewed by a daemon only where it is told whose token to expect; the cluster tests do that.
  await writeFile(token, 'not reviewed here');
  return { server, operator, ca, token };
}
