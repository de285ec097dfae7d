/** Runs cert-manager as a process on this machine: its controllers, and its webhook, which the API server asks about its objects. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { loadCluster } from '@chaosplane/kube/config';
import { eventually } from '@chaosplane/testkit/eventually';
import { execa } from 'execa';
import { addressTowards } from '../address-towards.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { installDefinitions } from './definitions.ts';
import { PROGRAM } from './program.ts';

const NAMESPACE = 'cert-manager';
const WEBHOOK = 'cert-manager-webhook';

/** What refuses all that is wrong in the objects of users. */
export interface CertManager {
  /** It ends by itself with this process; what it made stays in the cluster. */
  close(): Promise<void>;
}

/** Starts the program of `folder` with the administrator's kubeconfig; resolves when its webhook is asked. */
export async function startCertManager(cluster: Cluster, folder: string): Promise<CertManager> {
  await installDefinitions(cluster);
  await cluster.kubectl(['create', 'namespace', NAMESPACE]);
  const [port, health] = await freePorts();
  const flags = [
    `--kubeconfig=${cluster.kubeconfig}`,
    ...[`--namespace=${NAMESPACE}`, `--webhook=${WEBHOOK}`],
    ...[`--port=${port}`, `--health-port=${health}`],
  ];
  // setpriv asks the kernel to end it with the thread that started it, which is this process's first.
  const argv = ['--pdeathsig', 'KILL', join(folder, PROGRAM), ...flags];
  const log = join(cluster.folder, `${PROGRAM}.log`);
  const out = { file: log };
  const running = execa('setpriv', argv, { stdin: 'ignore', stdout: out, stderr: out, reject: false });
  const ended = running.then(async () => {
    throw new Error(`cert-manager ended: ${(await readFile(log, 'utf8')).slice(0, 2000)}`);
  });
  // After it began it ends when it is told to.
  ended.catch(() => undefined);
  const close = async (): Promise<void> => {
    running.kill('SIGKILL');
    await running;
  };
  try {
    await Promise.race([register(cluster, port), ended]);
    return { close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Nothing else of this process takes one until cert-manager has it. */
async function freePorts(): Promise<readonly [number, number]> {
  const servers = [createServer(), createServer()];
  const listening = servers.map(async (server) => {
    server.listen(0);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  });
  const [one = 0, other = 0] = await Promise.all(listening);
  for (const server of servers) server.close();
  return [one, other];
}

/** As its chart and its injector do: the API server asks its webhook, and knows who signs for it. */
async function register(cluster: Cluster, port: number): Promise<void> {
  const { kubectl } = cluster;
  const secret = ['get', 'secret', `${WEBHOOK}-ca`, '-n', NAMESPACE, '-o', 'jsonpath={.data.tls\\.crt}'];
  const caBundle = await eventually('the authority of its webhook', () => kubectl(secret).catch(() => undefined), {
    withinMs: 60_000,
    everyMs: 500,
  });
  const host = await addressTowards(new URL(loadCluster({ kubeconfig: cluster.kubeconfig }).server).hostname);
  const metadata = { name: WEBHOOK, namespace: NAMESPACE };
  const configuration = (kind: string, path: string, rules: object): object => ({
    ...{ apiVersion: 'admissionregistration.k8s.io/v1', kind, metadata: { name: WEBHOOK } },
    webhooks: [
      {
        ...{ name: 'webhook.cert-manager.io', admissionReviewVersions: ['v1'], sideEffects: 'None' },
        clientConfig: { caBundle, service: { ...metadata, path } },
        rules: [{ apiGroups: ['cert-manager.io'], apiVersions: ['v1'], ...rules }],
      },
    ],
  });
  const objects = [
    { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ name: 'https', port: 443, targetPort: port }] } },
    {
      ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4' },
      metadata: { ...metadata, labels: { 'kubernetes.io/service-name': WEBHOOK } },
      endpoints: [{ addresses: [host], conditions: { ready: true } }],
      ports: [{ name: 'https', port }],
    },
    configuration('ValidatingWebhookConfiguration', '/validate', {
      operations: ['CREATE', 'UPDATE'],
      resources: ['*/*'],
    }),
    configuration('MutatingWebhookConfiguration', '/mutate', {
      operations: ['CREATE'],
      resources: ['certificaterequests'],
    }),
  ];
  await kubectl(['apply', '-f', '-'], { input: objects.map((object) => JSON.stringify(object)).join('\n') });
  const nameless = {
    ...{ apiVersion: 'cert-manager.io/v1', kind: 'Certificate', metadata: { ...metadata, name: 'nameless' } },
    spec: { secretName: 'nameless', issuerRef: { name: 'none' } },
  };
  await eventually(
    'the API server asks its webhook',
    () =>
      kubectl(['apply', '--dry-run=server', '-f', '-'], { input: JSON.stringify(nameless) }).then(
        () => false,
        (error: unknown) => String(error).includes('denied the request'),
      ),
    { withinMs: 60_000, everyMs: 500 },
  );
}
