/** The command as npm brings it: packed, installed outside this repository, and run there by npx on real pods. */
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { catalogue } from '@chaosplane/actions';
import { VERSION } from '@chaosplane/common';
import { packNpm } from '@chaosplane/image';
import { createTestbed, differences, fingerprint, type Pod, type Testbed } from '@chaosplane/testbed';
import { execa } from 'execa';

const ROOT = join(import.meta.dirname, '../../../..');

let folder: string;
let tarball: string;
let testbed: Testbed;
let web: Pod;
let before: string;

const at = (...parts: readonly string[]): string => join(folder, ...parts);

/** A user's shell; `node` is the Node.js of this repository where `own`, else that of the machine. */
function shell({ own = true, cwd = at('project') }: { own?: boolean; cwd?: string } = {}) {
  const path = [...(own ? [at('bin')] : []), '/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin'];
  // The user's settings of npm and of its registry are kept; what npm has fetched before is not fetched again.
  const env = { PATH: path.join(delimiter), NODE_OPTIONS: '', npm_config_prefer_offline: 'true' };
  return (program: string, ...args: readonly string[]) => execa(program, args, { cwd, env, reject: false, all: true });
}

/** Installs the package and nothing else in a new folder. */
async function install(name: string, ...flags: readonly string[]): Promise<void> {
  await mkdir(at(name));
  await writeFile(at(name, 'package.json'), '{}');
  const installed = await shell({ cwd: at(name) })('npm', 'install', '--no-audit', '--no-fund', ...flags, tarball);
  if (installed.failed) throw new Error(installed.all);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chaosplane-npm-'));
  await mkdir(at('bin'));
  await symlink(process.execPath, at('bin', 'node'));
  tarball = await packNpm(at('packed'), { version: VERSION });
  await install('project');
  testbed = await createTestbed();
  web = await testbed.runPod({ name: 'web', labels: { app: 'web' }, containers: [{ name: 'web', args: ['serve'] }] });
  before = await fingerprint(web.netnsPath!);
}, 300_000);
afterAll(async () => {
  await testbed.close();
  await rm(folder, { recursive: true, force: true });
}, 120_000);

const npx = (...args: readonly string[]) => shell()('npx', '--no-install', 'chaosplane', ...args);

/** What is about this machine and not its own daemon. */
const here = (): string[] => [
  ...['--socket', at('run/daemon.sock'), '--state-dir', at('state')],
  ...['--runtime-endpoint', testbed.runtimeEndpoint],
];

test('the package says what it is, and has the licence of everything that is bundled', async () => {
  const read = (name: string): Promise<string> => readFile(at('project/node_modules/chaosplane', name), 'utf8');
  expect(JSON.parse(await read('package.json'))).toMatchObject({
    version: VERSION,
    license: 'Apache-2.0',
    engines: { node: '>=24' },
    publishConfig: { provenance: true },
  });
  expect(await read('LICENSE')).toBe(await readFile(join(ROOT, 'LICENSE'), 'utf8'));
  const notices = await read('THIRD-PARTY-NOTICES.txt');
  const dependencies = Object.keys(
    (JSON.parse(await readFile(join(ROOT, 'packages/cli/package.json'), 'utf8')) as { dependencies: object })
      .dependencies,
  ).filter((name) => !name.startsWith('@chaosplane/'));
  expect(dependencies.length).toBeGreaterThan(5);
  for (const name of dependencies) expect(notices).toContain(`${name} `);
  expect(notices).toContain('The above copyright notice and this permission notice shall be included');
});

test('npm brings it with koffi and nothing else', async () => {
  const names = (await readdir(at('project/node_modules'))).filter((name) => !name.startsWith('.'));
  expect(names.toSorted()).toEqual(['@koromix', 'chaosplane', 'koffi']);
});

test('npx runs it outside this repository: version, help, the actions', async () => {
  expect(await npx('version')).toMatchObject({ exitCode: 0, stdout: VERSION });
  const help = await npx('--help');
  expect(help).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^Usage: chaosplane /) });
  // The demo starts pods from sources that are not in the package.
  expect(help.stdout).not.toContain('demo');
  const actions = (await npx('actions')).stdout.split('\n').slice(1);
  expect(actions.map((line) => line.split(' ')[0])).toEqual(catalogue.map(({ name }) => name));
});

describe('on the pods of a machine', () => {
  test('explain tells what an example would do, rulesets included, and changes nothing', async () => {
    const explained = await npx('explain', join(ROOT, 'examples/network-partition.yaml'), ...here());
    expect(explained.all).toContain('default/web');
    expect(explained.all).toMatch(/table (netdev|inet) /);
    expect(explained.exitCode).toBe(0);
    expect(differences(before, await fingerprint(web.netnsPath!))).toEqual([]);
  });

  test.each([
    ['a delay, with what it starts beside itself: the thread of the queues', 'network-delay', { latency: '50ms' }],
    ['stress, with what it starts beside itself: the gate of the stressor', 'pod-cpu-stress', { workers: 1 }],
  ])(
    'run carries out %s, and leaves nothing',
    async (_what, type, parameters) => {
      const document = {
        apiVersion: 'chaos.chaosplane.io/v1alpha1',
        kind: 'ChaosExperiment',
        metadata: { name: type },
        spec: { target: { names: ['web'] }, action: { type, parameters }, duration: '2s' },
      };
      await writeFile(at('experiment.yaml'), JSON.stringify(document));
      const ended = await npx('run', at('experiment.yaml'), ...here());
      expect(ended.all).toMatch(/✓ default\/web +recovered/);
      // Inconclusive where a fault met no traffic: no hypothesis is in the file.
      expect([0, 3]).toContain(ended.exitCode);
      expect(ended.all).toMatch(/Completed/);
      expect(differences(before, await fingerprint(web.netnsPath!))).toEqual([]);
    },
    60_000,
  );
});

test('without koffi it says so where it would need it, and does the rest', async () => {
  await install('bare', '--omit=optional');
  const bare = shell({ cwd: at('bare') });
  expect(await readdir(at('bare/node_modules/'))).not.toContain('koffi');
  expect(await bare('npx', '--no-install', 'chaosplane', 'version')).toMatchObject({ exitCode: 0, stdout: VERSION });
  const file = join(ROOT, 'examples/network-partition.yaml');
  const explained = await bare('npx', '--no-install', 'chaosplane', 'explain', file, ...here());
  expect(explained).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/talks to clusters only.*koffi/) });
}, 120_000);

test('an older Node.js is told which one it takes, and no stack', async () => {
  const version = (await shell({ own: false })('node', '--version')).stdout;
  const called = await shell({ own: false })('npx', '--no-install', 'chaosplane', 'version');
  const older = Number.parseInt(version.slice(1), 10) < 24;
  expect(called).toMatchObject(
    older
      ? {
          exitCode: 2,
          stdout: '',
          stderr: `chaosplane needs Node.js 24 or newer as node on the PATH, and that is ${version}`,
        }
      : { exitCode: 0, stdout: VERSION },
  );
});

test('installed for good it is a plugin of kubectl too, by the name that kubectl looks for', async () => {
  const prefix = ['--prefix', at('global')];
  const installed = await shell()('npm', 'install', '--global', '--no-audit', '--no-fund', ...prefix, tarball);
  expect(installed.exitCode).toBe(0);
  const help = await shell()(at('global/bin/kubectl-chaosplane'), 'run', '--help');
  expect(help.stdout).toMatch(/^Usage: kubectl chaosplane run /);
}, 120_000);
