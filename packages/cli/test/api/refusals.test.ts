/** What a real API server refuses, as the command tells it: without the resource definitions, and to users without rights. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { startCluster, type Cluster } from '@chaosplane/testcluster';
import { parse, stringify } from 'yaml';
import { command } from '../command.ts';

jest.setTimeout(120_000);

const CRDS = join(import.meta.dirname, '../../../../charts/chaosplane/crds');

const file = JSON.stringify({
  apiVersion: 'chaos.chaosplane.io/v1alpha1',
  kind: 'ChaosExperiment',
  metadata: { name: 'slow', namespace: 'default' },
  spec: {
    target: { names: ['web'] },
    action: { type: 'network-delay', parameters: { latency: '1s' } },
    duration: '10m',
  },
});

let cluster: Cluster;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chaosplane-refusals-'));
  // One of its own: the definitions that other files install stay on the shared one.
  cluster = await startCluster({ nodes: 0, report: () => undefined });
}, 600_000);
afterAll(async () => {
  await (cluster as Cluster | undefined)?.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

const told = (kubeconfig: string, words: string) => command(kubeconfig, words.split(' '), { input: file }).end;

const commands = ['get --cluster', 'describe slow', 'abort slow', 'run - --cluster', 'recover --all --cluster'];

test('a cluster without the definitions is told as that', async () => {
  for (const words of commands) {
    const { exitCode, message } = await told(cluster.kubeconfig, words);
    expect([words, exitCode, message]).toEqual([
      ...[words, 2, expect.stringMatching(/^the resource definitions of ChaosPlane are not on this cluster/)],
    ]);
  }
});

test('a user without rights is told who has them', async () => {
  const crds = (await readdir(CRDS)).flatMap((name) => ['-f', join(CRDS, name)]);
  await cluster.kubectl(['apply', '--server-side', ...crds]);
  await cluster.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s']);
  await cluster.kubectl(['create', 'serviceaccount', 'ann', '-n', 'default']);
  const token = (await cluster.kubectl(['create', 'token', 'ann', '-n', 'default'])).trim();
  const config = parse(await readFile(cluster.kubeconfig, 'utf8')) as { users: { name: string; user: object }[] };
  const users = config.users.map(({ name }) => ({ name, user: { token } }));
  const kubeconfig = join(folder, 'config');
  await writeFile(kubeconfig, stringify({ ...config, users }));
  for (const words of [...commands, 'explain - --cluster', 'doctor --cluster', 'get -A --cluster']) {
    const { exitCode, message } = await told(kubeconfig, words);
    expect([words, exitCode, message]).toEqual([
      ...[
        words,
        2,
        expect.stringMatching(
          /^user system:serviceaccount:default:ann may not \w+ \w+ in the .*: .*"Who may do what"\)$/,
        ),
      ],
    ]);
    expect(message).not.toMatch(/PATCH|GET|dry-run/);
  }
});
