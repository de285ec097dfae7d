/** A cluster is a real Kubernetes, survives what a real one survives, and leaves nothing. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { readMarks } from '../../src/cluster/folder.ts';
import { BUSYBOX_IMAGE, startCluster, sweepClusters, type Cluster } from '../../src/index.ts';
import { noTraceLeft } from './machine.ts';

const APP = 'chaosplane.test/app:1';
const report = (): void => undefined;
let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({ nodes: 2, report });
}, 300_000);
afterAll(() => cluster.stop(), 60_000);

const markOf = async (folder: string): Promise<string> => `cpk${(await readMarks(folder))?.number ?? '?'}`;

/** Starts a pod on a node; resolves when it is ready. */
async function runPod(name: string, node: string, image: string, args: readonly string[]): Promise<void> {
  const container = { name: 'c', image, args, securityContext: { privileged: true } };
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name } },
    spec: {
      nodeName: node,
      terminationGracePeriodSeconds: 0,
      tolerations: [{ operator: 'Exists' }],
      containers: [container],
    },
  };
  await cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify(pod) });
  await cluster.kubectl(['wait', '--for=condition=Ready', `pod/${name}`, '--timeout=60s']);
}

const inPod = (pod: string, ...argv: readonly string[]): Promise<string> =>
  cluster.kubectl(['exec', pod, '--', ...argv]);
const bootId = (node: string): Promise<string> => cluster.exec(node, ['cat', '/proc/sys/kernel/random/boot_id']);

test('a pod reaches a Service by its name, though the only pod behind it is on the other node', async () => {
  await runPod('server', 'n1', APP, ['serve']);
  await runPod('client', 'n2', BUSYBOX_IMAGE, []);
  await cluster.kubectl(['expose', 'pod', 'server', '--port=8080']);
  await cluster.kubectl([
    'wait',
    '--for=jsonpath={.endpoints}',
    'endpointslice',
    '-l',
    'kubernetes.io/service-name=server',
  ]);
  const answer = await inPod('client', 'sh', '-c', 'until wget -q -O - http://server:8080/; do sleep 0.1; done');
  expect(answer).toContain('server');
}, 120_000);

test('this machine reaches pods and Services by their addresses', async () => {
  const podIp = await cluster.kubectl(['get', 'pod', 'server', '-o', 'jsonpath={.status.podIP}']);
  const serviceIp = await cluster.kubectl(['get', 'service', 'server', '-o', 'jsonpath={.spec.clusterIP}']);
  for (const ip of [podIp, serviceIp]) {
    const response = await fetch(`http://${ip}:8080/`, { signal: AbortSignal.timeout(5_000) });
    expect(response.status).toBe(200);
  }
});

test('what a pod writes into a folder of its node is on that node only, and not on this machine', async () => {
  await cluster.exec('n1', [
    'sh',
    '-c',
    'mkdir -p /var/lib/chaosplane /etc/own && touch /var/lib/chaosplane/x /etc/own/x',
  ]);
  expect(await cluster.exec('n2', ['ls', '-A', '/var/lib/chaosplane'])).toBe('');
  expect(existsSync('/var/lib/chaosplane/x') || existsSync('/etc/own')).toBe(false);
  expect(await cluster.exec('n1', ['readlink', '-f', '/run/containerd/containerd.sock'])).toContain('containerd.sock');
});

test('a privileged pod sees the namespaces of the pods of its node, also of those that start later', async () => {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'agent' },
    spec: {
      nodeName: 'n2',
      hostPID: true,
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: 'c',
          image: BUSYBOX_IMAGE,
          securityContext: { privileged: true },
          volumeMounts: [
            { name: 'netns', mountPath: '/run/netns', mountPropagation: 'HostToContainer' },
            { name: 'containerd', mountPath: '/run/containerd' },
          ],
        },
      ],
      volumes: [
        { name: 'netns', hostPath: { path: '/run/netns', type: 'Directory' } },
        { name: 'containerd', hostPath: { path: '/run/containerd', type: 'Directory' } },
      ],
    },
  };
  await cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify(pod) });
  await cluster.kubectl(['wait', '--for=condition=Ready', 'pod/agent', '--timeout=60s']);
  await runPod('later', 'n2', BUSYBOX_IMAGE, []);
  const ip = await cluster.kubectl(['get', 'pod', 'later', '-o', 'jsonpath={.status.podIP}']);
  const look = 'for n in /run/netns/*; do nsenter --net=$n ip -4 addr; done';
  expect(await inPod('agent', 'sh', '-c', look)).toContain(` ${ip}/`);
  expect(await inPod('agent', 'ls', '/run/containerd')).toContain('containerd.sock');
  expect(await inPod('agent', 'ps', '-o', 'args')).toContain('kubelet');
}, 120_000);

test('a node whose power is cut is no longer Ready, and comes back as another boot with its pods and its disk', async () => {
  const before = await bootId('n1');
  await cluster.killNode('n1');
  await cluster.kubectl(['wait', '--for=condition=Ready=Unknown', 'node/n1', '--timeout=30s']);
  await cluster.startNode('n1');
  expect(await bootId('n1')).not.toBe(before);
  expect(await cluster.exec('n1', ['ls', '/var/lib/chaosplane'])).toBe('x');
  const answer = await inPod('client', 'sh', '-c', 'until wget -q -O - http://server:8080/; do sleep 0.1; done');
  expect(answer).toContain('server');
}, 120_000);

test('a node that reboots itself comes back, and the other one does not notice', async () => {
  const before = { n1: await bootId('n1'), n2: await bootId('n2') };
  // The command dies with the node.
  await cluster.exec('n1', ['busybox', 'reboot', '-f']).catch(() => undefined);
  for (let now = before.n1; now === before.n1;) now = await bootId('n1').catch(() => before.n1);
  await cluster.kubectl(['wait', '--for=condition=Ready', 'node/n1', '--timeout=60s']);
  expect(await bootId('n2')).toBe(before.n2);
}, 120_000);

test('a node with dots in its name is added while the cluster runs, and its pods are reached', async () => {
  await cluster.addNode('node.with.dots');
  expect(cluster.nodes).toEqual(['n1', 'n2', 'node.with.dots']);
  await runPod('late', 'node.with.dots', APP, ['serve']);
  const ip = await cluster.kubectl(['get', 'pod', 'late', '-o', 'jsonpath={.status.podIP}']);
  expect(await inPod('client', 'wget', '-q', '-O', '-', `http://${ip}:8080/`)).toContain('late');
}, 120_000);

test('pods go on while the API server is away, and it comes back with what it knew', async () => {
  const ip = await cluster.kubectl(['get', 'pod', 'server', '-o', 'jsonpath={.status.podIP}']);
  await cluster.stopApiServer();
  await expect(cluster.kubectl(['get', 'pods', '--request-timeout=2s'])).rejects.toThrow('refused');
  expect((await fetch(`http://${ip}:8080/`, { signal: AbortSignal.timeout(5_000) })).status).toBe(200);
  await cluster.startApiServer();
  expect(await cluster.kubectl(['get', 'pods', '-o', 'name'])).toContain('pod/server');
}, 120_000);

test('helm talks to the cluster', async () => {
  expect(await cluster.helm(['list', '--all-namespaces', '-o', 'json'])).toBe('[]');
});

test('a second cluster beside it has addresses of its own, and leaves nothing when it is stopped', async () => {
  const other = await startCluster({ nodes: ['n1'], report });
  const mark = await markOf(other.folder);
  try {
    expect(mark).not.toBe(await markOf(cluster.folder));
    expect(await other.kubectl(['get', 'nodes', '-o', 'name'])).toBe('node/n1');
    expect(await cluster.kubectl(['get', 'nodes', '-o', 'name'])).toContain('node/n2');
  } finally {
    await other.stop();
  }
  await noTraceLeft(other.folder, mark);
  await other.stop();
}, 180_000);

test('a cluster whose owner is killed is removed, and a sweep spares those of the living', async () => {
  const program = join(import.meta.dirname, 'owner.main.ts');
  const owner = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [folder] = (await once(createInterface(owner.stdout), 'line')) as [string];
  const mark = await markOf(folder);
  expect((await execa('ip', ['link', 'show', mark])).stdout).toContain(mark);
  expect(await sweepClusters()).not.toContain(folder);
  owner.kill('SIGKILL');
  await noTraceLeft(folder, mark);
}, 180_000);

test('a start that is given up leaves nothing', async () => {
  const giveUp = new AbortController();
  const onReport = (line: string): void => {
    if (line.startsWith('starting n1')) giveUp.abort(new Error('given up'));
  };
  await expect(startCluster({ nodes: 1, report: onReport, signal: giveUp.signal })).rejects.toThrow('given up');
}, 120_000);
