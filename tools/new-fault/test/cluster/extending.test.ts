/** docs/extending.md, word by word: a fault that is new, from `new-fault` to the logs of a cluster. */
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { startCluster, type Cluster } from '@chaosplane/testcluster';
import { NAMESPACE } from '@chaosplane/testcluster/release';
import { execa } from 'execa';

import { blocksOf, type Block } from '../../../docs/page.ts';

jest.setTimeout(900_000);

const ROOT = join(import.meta.dirname, '../../../..');

let folder: string;
let cluster: Cluster;
let blocks: readonly Block[];

beforeAll(async () => {
  blocks = blocksOf(await readFile(join(ROOT, 'docs/extending.md'), 'utf8'));
  folder = await mkdtemp(join(tmpdir(), 'chaosplane-extending-'));
  await copyRepository(folder);
  cluster = await startCluster({ nodes: 2, report: () => undefined });
}, 900_000);
afterAll(async () => {
  await cluster.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

/** Everything that is in the repository, as one commit, with dependencies that are shared, so that it takes no time. */
async function copyRepository(to: string): Promise<void> {
  for (const name of await readdir(ROOT)) {
    if (['node_modules', '.git', '.nx', 'dist', 'coverage'].includes(name)) continue;
    await cp(join(ROOT, name), join(to, name), { recursive: true });
  }
  const author = ['-c', 'user.name=stranger', '-c', 'user.email=stranger@example.com'];
  for (const argv of [
    ['init', '-q'],
    ['add', '-A'],
    [...author, 'commit', '-q', '-m', 'The repository as it is'],
  ])
    await execa('git', argv, { cwd: to });
  await execa('cp', ['-al', join(ROOT, 'node_modules'), join(to, 'node_modules')]);
  // These are written in place, and must not be written in both.
  for (const name of ['.cache', '.chaosplane-stamp', '.package-lock.json']) {
    await rm(join(to, 'node_modules', name), { recursive: true, force: true });
    if (name !== '.cache') await cp(join(ROOT, 'node_modules', name), join(to, 'node_modules', name));
  }
}

/** The digest of every source of the copy by its path. */
async function sources(): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name).slice(folder.length + 1);
    if (!entry.isFile() || /^(node_modules|\.git|\.nx|dist)\//.test(path)) continue;
    const digest = createHash('sha256').update(await readFile(join(folder, path)));
    found.set(path, digest.digest('hex'));
  }
  return found;
}

/** Runs one command line of the page as it stands there; resolves with what it printed. */
async function run(line: string): Promise<string> {
  const [command = '', ...argv] = line.split(' ');
  // The cluster of the page stays until a user takes it down; the test has one that goes with it.
  if (line.startsWith('npm run cluster -- load --name try ')) {
    await cluster.loadImages(argv.slice(6).map((path) => join(folder, path)));
    return '';
  }
  const env = { KUBECONFIG: cluster.kubeconfig, PATH: [cluster.programs, process.env['PATH'] ?? ''].join(delimiter) };
  return (await execa(command, argv, { cwd: folder, env: { ...env, NODE_OPTIONS: '' } })).stdout;
}

async function runUntil(last: string): Promise<string[]> {
  const printed: string[] = [];
  for (;;) {
    const block = blocks[next++];
    if (block === undefined) throw new Error(`the page does not say ${last}`);
    if (block.kind === 'file') {
      await mkdir(dirname(join(folder, block.path)), { recursive: true });
      await writeFile(join(folder, block.path), block.text);
      byHand.add(block.path);
    } else if (block.kind === 'replace') {
      const text = await readFile(join(folder, block.path), 'utf8');
      expect(text).toContain(block.before);
      await writeFile(join(folder, block.path), text.replace(block.before, block.after));
      byHand.add(block.path);
    } else if (block.kind === 'commands') {
      for (const line of block.lines) printed.push(await run(line));
      if (block.lines.some((line) => line.includes(last))) return printed;
    }
  }
}

let next = 0;
const byHand = new Set<string>();

const HANDWRITTEN = [
  'packages/actions/src/catalogue/hello-mounts.ts',
  'packages/daemon/src/faults/catalogue/hello-mounts.test.ts',
  'packages/daemon/src/faults/catalogue/hello-mounts.ts',
  'proto/chaosplane/daemon/v1/daemon.proto',
];

describe('a stranger who follows docs/extending.md', () => {
  test('gets four files with holes, which compile, and a test that fails until they are filled', async () => {
    const [said] = await runUntil('new-fault');
    for (const path of HANDWRITTEN) {
      expect(said).toContain(path);
      expect(await readFile(join(folder, path), 'utf8')).toContain('HOLE');
    }
    await run('node_modules/.bin/tsc');
    const jestLine = 'node node_modules/.bin/jest --selectProjects pure --forceExit hello-mounts';
    const outcome = await execa('npx', jestLine.split(' '), {
      cwd: folder,
      env: { NODE_OPTIONS: '--experimental-vm-modules' },
      reject: false,
    });
    expect(outcome.stderr).toMatch(/1 failed/);
  });

  test('is told by the compiler when the fault is missing, or the action, by name', async () => {
    for (const [gone, words] of [
      [
        'packages/daemon/src/faults/catalogue/hello-mounts.ts',
        /gen\/faults\.ts.*Property '"hello-mounts"' is missing in type/,
      ],
      [
        'packages/actions/src/catalogue/hello-mounts.ts',
        /gen\/faults\.ts.*'hello-mounts'' does not exist in type 'Faults'/,
      ],
    ] as const) {
      const text = await readFile(join(folder, gone), 'utf8');
      await rm(join(folder, gone));
      await run('npm run gen').catch(() => undefined);
      const { stdout } = await execa('node_modules/.bin/tsc', { cwd: folder, reject: false });
      expect(stdout).toMatch(words);
      await writeFile(join(folder, gone), text);
    }
    await run('npm run gen');
  });

  test('fills them, and everything is green, with no other file written by hand', async () => {
    const before = await sources();
    const printed = await runUntil('npm run check');
    expect(printed.at(-1)).toMatch(/\d+ passed, 0 failed/);
    const changed = [...(await sources())]
      .filter(([path, digest]) => before.get(path) !== digest)
      .map(([path]) => path);
    const generated =
      /^packages\/proto\/src\/gen\/|\/src\/(faults\/)?gen\/|^docs\/actions\/|^charts\/chaosplane\/crds\//;
    expect(changed.filter((path) => !generated.test(path)).sort()).toEqual(HANDWRITTEN);
    expect([...byHand].sort()).toEqual(HANDWRITTEN);
  });

  test('sees it applied to two pods of a cluster, and reads both logs', async () => {
    const printed = await runUntil('component=daemon');
    const [operators = '', daemons = ''] = printed.slice(-2);
    expect(operators.match(/"msg":"target injected"/g)).toHaveLength(2);
    expect(operators.match(/"msg":"target recovered"/g)).toHaveLength(2);
    expect(daemons.match(/"output":"overlay \/ overlay .*"msg":"mounts listed"/g)).toHaveLength(2);
  });

  test('finds the output in the log of the daemon of each pod’s own node, and nowhere else', async () => {
    expect(await told('mounts listed')).toEqual(await podsByNode());
  });
});

/** The names of the pods to try it on, by node. */
async function podsByNode(): Promise<Record<string, string[]>> {
  const listed = await cluster.kubectl(['get', 'pods', '-l', 'app=try', '-o', 'json']);
  const { items } = JSON.parse(listed) as { items: { metadata: { name: string }; spec: { nodeName: string } }[] };
  return Object.fromEntries(
    cluster.nodes.map((node) => [
      node,
      items
        .filter(({ spec }) => spec.nodeName === node)
        .map(({ metadata }) => metadata.name)
        .sort(),
    ]),
  );
}

/** The pods of which the daemon of each node logged that message. */
async function told(message: string): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  for (const node of cluster.nodes) {
    const select = ['-l', 'app.kubernetes.io/component=daemon', `--field-selector=spec.nodeName=${node}`];
    const daemon = await cluster.kubectl(['get', 'pods', '-n', NAMESPACE, ...select, '-o', 'name']);
    const lines = (await cluster.kubectl(['logs', '-n', NAMESPACE, daemon])).split('\n');
    found[node] = lines
      .map((line) => JSON.parse(line) as { msg: string; target?: string; output?: string })
      .filter(({ msg, output = '' }) => msg === message && output !== '')
      .map(({ target = '' }) => target.replace(/^.*\//, ''))
      .sort();
  }
  return found;
}

test('hello-world, the worked example, lists the processes of both pods: in the logs of their nodes, and in the operator’s', async () => {
  const experiment = {
    apiVersion: 'chaos.chaosplane.io/v1alpha1',
    kind: 'ChaosExperiment',
    metadata: { name: 'hello' },
    spec: {
      target: { labelSelector: { matchLabels: { app: 'try' } }, mode: 'all' },
      action: { type: 'hello-world' },
      duration: '5s',
    },
  };
  await cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify(experiment) });
  const wait = ['wait', 'chaosexperiment/hello', '--for=jsonpath={.status.phase}=Completed', '--timeout=60s'];
  await cluster.kubectl(wait);
  expect(await told('hello world answered')).toEqual(await podsByNode());
  const operators = ['logs', '-n', NAMESPACE, '-l', 'app.kubernetes.io/component=operator', '--tail=-1'];
  const lines = (await cluster.kubectl(operators)).split('\n').filter((line) => line.includes('default/hello/'));
  for (const message of ['target injected', 'target recovered'])
    expect(lines.filter((line) => line.includes(`"msg":"${message}"`))).toHaveLength(2);
});
