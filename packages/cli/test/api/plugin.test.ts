/** The command as a plugin of kubectl: the archive of a release, installed by krew itself, called by kubectl itself. */
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { catalogue } from '@chaosplane/actions';
import { VERSION } from '@chaosplane/common';
import { krewManifest, PLUGIN_PROGRAM, pluginArchive } from '@chaosplane/image';
import { extractKubectlAndHelm, sharedControlPlane, type Cluster } from '@chaosplane/testcluster';
import { eventually } from '@chaosplane/testkit/eventually';
import { execa } from 'execa';
import { krewFolder } from '../krew.ts';

jest.setTimeout(120_000);

const ROOT = join(import.meta.dirname, '../../../..');

let folder: string;
let cluster: Cluster;
let releases: Server;
let path: string;
let manifest: string;

const at = (...parts: readonly string[]): string => join(folder, ...parts);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chaosplane-plugin-'));
  await mkdir(at('bin'));
  await extractKubectlAndHelm(at('bin'));
  await symlink(process.execPath, at('bin', 'node'));
  const krew = await krewFolder((line) => void process.stderr.write(`${line}\n`));
  path = [at('bin'), krew, at('krew', 'bin'), '/usr/bin', '/bin'].join(delimiter);
  const archive = await pluginArchive();
  await writeFile(at('plugin.tar.gz'), archive);
  releases = createServer((_request, response) => response.end(archive)).listen(0, '127.0.0.1');
  await new Promise((resolve) => releases.once('listening', resolve));
  const uri = `http://127.0.0.1:${(releases.address() as AddressInfo).port}/plugin.tar.gz`;
  manifest = await krewManifest(archive, { version: VERSION, uri });
  await writeFile(at('chaosplane.yaml'), manifest);
  cluster = await sharedControlPlane();
  const crds = join(ROOT, 'charts/chaosplane/crds');
  await cluster.kubectl([
    'apply',
    '--server-side',
    ...(await readdir(crds)).flatMap((name) => ['-f', join(crds, name)]),
  ]);
  await cluster.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s']);
}, 600_000);
afterAll(async () => {
  releases.close();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

function call(program: string, ...args: readonly string[]) {
  // Nothing of this machine's own krew or kubeconfig.
  const env = { PATH: path, HOME: folder, KREW_ROOT: at('krew'), KUBECONFIG: cluster.kubeconfig };
  return execa(program, args, { env, extendEnv: false, reject: false, all: true });
}

test('krew has nothing against the manifest, and installs what it names: archive, digest, licence, program', async () => {
  const { all, exitCode } = await call('validate-krew-manifest', '-manifest', at('chaosplane.yaml'));
  expect(all).toMatch(/structural validation OK[^]*no overlapping[^]*all 1 spec\.platforms installed fine/);
  expect(exitCode).toBe(0);
});

test.each([
  ['another archive than the one that it was made for', /sha256: '.{4}/, "sha256: '0000", /checksum does not match/i],
  ['a program that is not in the archive', /bin: .*/, 'bin: chaosplane', /failed to install/],
  ['a version without its v', /version: 'v/, "version: '", /failed to parse plugin version/],
])('krew refuses %s', async (_what, was, is, why) => {
  const other = manifest.replace(was, is);
  expect(other).not.toBe(manifest);
  await mkdir(at('other'), { recursive: true });
  await writeFile(at('other', 'chaosplane.yaml'), other);
  const { all, exitCode } = await call('validate-krew-manifest', '-manifest', at('other', 'chaosplane.yaml'));
  expect(exitCode).not.toBe(0);
  expect(all).toMatch(why);
});

test('installed by krew, kubectl finds it; it tells its version, the actions, and itself under the name that is typed', async () => {
  await call('kubectl', 'krew', 'install', `--manifest=${at('chaosplane.yaml')}`, `--archive=${at('plugin.tar.gz')}`);
  expect((await call('kubectl', 'plugin', 'list')).stdout).toContain(at('krew', 'bin', PLUGIN_PROGRAM));
  expect(await call('kubectl', 'chaosplane', 'version')).toMatchObject({ stdout: VERSION, exitCode: 0 });
  const actions = (await call('kubectl', 'chaosplane', 'actions')).stdout.split('\n').slice(1);
  expect(actions.map((line) => line.split(' ')[0])).toEqual(catalogue.map(({ name }) => name));
  const help = (await call('kubectl', 'chaosplane', 'run', '--help')).stdout;
  expect(help).toMatch(/^Usage: kubectl chaosplane run /);
  expect(help.match(/(?<!kubectl )chaosplane run/g)).toBeNull();
  // What is about a machine is not offered.
  expect(help).not.toMatch(/--socket|--state-dir|this machine/);
  expect((await call('kubectl', 'chaosplane', 'daemon')).all).toContain('unknown command');
});

test('it works on the cluster that kubectl works on, without being told so', async () => {
  const experiment = {
    apiVersion: 'chaos.chaosplane.io/v1alpha1',
    kind: 'ChaosExperiment',
    metadata: { name: 'slow', namespace: 'default' },
    spec: {
      target: { names: ['web'] },
      action: { type: 'network-delay', parameters: { latency: '100ms' } },
      duration: '1m',
    },
  };
  // The storage of a definition that is new answers 429 for a moment.
  const listed = await eventually('the experiments are listed', () => call('kubectl', 'chaosplane', 'list'), {
    is: ({ exitCode }) => exitCode === 0,
  });
  expect(listed).toMatchObject({
    stdout: 'no experiments in the namespace default',
    stderr: expect.stringMatching(/^on the cluster .*, namespace default$/),
  });
  await cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify(experiment) });
  const { stdout, stderr, exitCode } = await call('kubectl', 'chaosplane', 'list', '--all-namespaces');
  expect(stdout).toMatch(/^NAMESPACE +NAME +ACTION .*\ndefault +slow +network-delay .* 1m /);
  expect(stderr).toMatch(/^on the cluster /);
  expect(exitCode).toBe(0);
});
