/** The images as a node gets them: how large, of what, the same from every folder, and with programs that run. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { bundled, entryPoints } from '../../src/bundle.ts';
import { buildImage, ownArchitecture, type ImageName } from '../../src/index.ts';
import { build, copyRepository, digestOf, ROOT } from './build.ts';
import { filesBelow, sizeOf, unpack, type Unpacked } from './unpacked.ts';

let work: string;
let out: string;
const images = new Map<ImageName, Unpacked>();
const NAMES = ['operator', 'daemon'] as const;
const PROGRAM = /^usr\/s?bin\/|^usr\/lib/;

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'chaosplane-images-'));
  out = join(work, 'out');
  await build(ROOT, { out, cache: join(work, 'cache') });
  for (const name of NAMES) {
    const [image] = await unpack(join(out, `chaosplane-${name}.tar`), join(work, name));
    images.set(name, image!);
  }
}, 300_000);

afterAll(() => rm(work, { recursive: true, force: true }), 120_000);

const imageOf = (name: ImageName): Unpacked => images.get(name)!;
const inside = (name: ImageName, ...words: string[]) =>
  execa('chroot', [imageOf(name).folder, ...words], { extendEnv: false, env: { PATH: '/usr/sbin:/usr/bin' } });

interface Component {
  readonly 'bom-ref': string;
  readonly version: string;
  readonly purl: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
}

async function document<T>(name: ImageName, kind: string): Promise<T> {
  return JSON.parse(await readFile(join(out, `chaosplane-${name}-${ownArchitecture()}.${kind}.json`), 'utf8')) as T;
}

const componentsOf = async (name: ImageName): Promise<readonly Component[]> =>
  (await document<{ components: Component[] }>(name, 'cdx')).components;

test('what an image has beside Node.js is small, and nothing is in two of its layers', async () => {
  const beside: Record<ImageName, number> = { operator: 12e6, daemon: 30e6 };
  const installed = await sizeOf(process.execPath);
  for (const name of NAMES) {
    const { folder, bytes } = imageOf(name);
    const node = await sizeOf(join(folder, 'usr/bin/node'));
    expect(node).toBeLessThan(0.9 * installed);
    expect(bytes - node).toBeLessThan(beside[name]);
    const files = await filesBelow(folder);
    expect(files.reduce((sum, { size }) => sum + size, 0)).toBe(bytes);
  }
});

test('a build from another folder, at another time and under other settings gives the same bytes', async () => {
  const copy = join(work, 'elsewhere', 'copy');
  await copyRepository(copy);
  const again = join(work, 'again');
  await build(copy, {
    out: again,
    cache: join(work, 'other-cache'),
    env: { TZ: 'Asia/Tokyo', LC_ALL: 'C', LANG: 'C' },
  });
  const alike = (await readdir(out)).filter((file) => !file.endsWith('.provenance.json'));
  expect(alike).toHaveLength(4);
  for (const file of alike)
    expect([file, await digestOf(join(again, file))]).toEqual([file, await digestOf(join(out, file))]);
}, 300_000);

test('the same content under another name is another archive, also where the first is kept', async () => {
  const options = { cacheFolder: join(work, 'cache'), report: () => undefined };
  const named: string[] = [];
  for (const operator of ['one.test/operator:1', 'two.test/operator:2']) {
    const { path } = await buildImage('operator', { ...options, references: { operator, daemon: 'none' } });
    const { stdout } = await execa('tar', ['--extract', '--to-stdout', '--file', path, 'index.json']);
    named.push(stdout);
  }
  expect(named[0]).toContain('one.test/operator:1');
  expect(named[1]).toContain('two.test/operator:2');
}, 60_000);

test.each(NAMES)(
  'what the Dockerfile copies into the image of the %s is what the archive has',
  async (name) => {
    const laid = join(work, `laid-${name}`);
    await execa(process.execPath, [join(ROOT, 'packages/image/src/layout.main.ts'), name, laid]);
    const merged = join(work, `merged-${name}`);
    const order = { operator: ['base', 'bundle'], daemon: ['base', 'programs', 'native', 'bundle'] };
    const dockerfile = await readFile(join(ROOT, 'images', name, 'Dockerfile'), 'utf8');
    expect([...dockerfile.matchAll(/^COPY --from=build \/out\/(\w+)\/ \/$/gm)].map(([, part]) => part)).toEqual(
      order[name],
    );
    for (const part of order[name]) await execa('cp', ['--archive', '--no-target-directory', join(laid, part), merged]);
    const seen = async (folder: string): Promise<string[]> =>
      Promise.all(
        (await filesBelow(folder)).map(
          async ({ path, mode }) => `${path} ${mode.toString(8)} ${await digestOf(join(folder, path))}`,
        ),
      );
    expect(await seen(merged)).toEqual(await seen(imageOf(name).folder));
  },
  120_000,
);

test('the programs run with nothing else around them', async () => {
  expect((await inside('daemon', 'node', '--version')).stdout).toBe(process.version);
  expect((await inside('daemon', 'tc', '-V')).stdout).toContain('iproute2');
  const workers = ['--cpu', '1', '--vm', '1', '--vm-bytes', '16M', '--hdd', '1', '--hdd-bytes', '4M'];
  const stress = await inside('daemon', 'stress-ng', ...workers, '--temp-path', '/tmp', '--timeout', '1');
  expect(stress.stderr).toContain('successful run completed');
  const load = `require('/app/node_modules/koffi').load('libnftables.so.1').func('void *nft_ctx_new(uint32_t)')(0)`;
  expect((await inside('daemon', 'node', '-p', `${load} !== null`)).stdout).toBe('true');
  expect((await inside('operator', 'node', '/app/main.js', '--help')).stdout).toContain('Usage: operator');
}, 60_000);

test('stacks and profiles name functions, without the symbols of Node.js and with what was made smaller', async () => {
  const thrown = inside('daemon', 'node', '-e', 'function breaks() { throw new Error("why") } breaks()');
  await expect(thrown).rejects.toMatchObject({ stderr: expect.stringMatching(/Error: why\n\s+at breaks /) });
  const profiled = 'function busy() { for (let i = 0; i < 5e7; i += 1) Math.sqrt(i); } busy(); busy();';
  await inside('daemon', 'node', '--cpu-prof', '--cpu-prof-name=a.json', '--cpu-prof-dir=/tmp', '-e', profiled);
  expect(await readFile(join(imageOf('daemon').folder, 'tmp/a.json'), 'utf8')).toContain('"functionName":"busy"');
}, 60_000);

test.each(NAMES)(
  "the %s's bill of materials has the Debian packages whose files are in the image",
  async (name) => {
    const { folder } = imageOf(name);
    const listed = (await componentsOf(name)).filter(({ purl }) => purl.startsWith('pkg:deb/'));
    const noted = await readdir(join(folder, 'var/lib/dpkg/status.d'));
    expect(listed.map((each) => each['bom-ref'])).toEqual(noted.map((each) => `debian/${each}`));
    for (const { version, ...each } of listed) {
      const status = await readFile(join(folder, 'var/lib/dpkg/status.d', each['bom-ref'].slice(7)), 'utf8');
      expect(status).toContain(`\nVersion: ${version}\n`);
    }
    // Asked of dpkg file by file; node, the command and the stand-ins are none of Debian's.
    const files = (await filesBelow(folder)).map(({ path }) => path).filter((path) => PROGRAM.test(path));
    const owners = new Set<string>();
    const foreign: string[] = [];
    for (const path of files) {
      const same = [`/${path}`, `/${path.replace(/^usr\//, '')}`];
      const { stdout } = await execa('dpkg-query', ['--search', ...same], { reject: false });
      const isDebians = stdout !== '' && (await digestOf(join(folder, path))) === (await digestOf(`/${path}`));
      if (isDebians) owners.add(/^[^:,]+/.exec(stdout)?.[0] ?? '');
      else foreign.push(path.split('/').at(-1) ?? '');
    }
    expect([...owners].toSorted()).toEqual(noted.toSorted());
    const made = name === 'operator' ? ['node'] : ['chaosplane', 'libIPSec_MB.so.1', 'libkmod.so.2', 'node'];
    const here = ownArchitecture() === 'amd64' ? made : made.filter((each) => !each.includes('IPSec'));
    expect(foreign.toSorted()).toEqual(here);
  },
  60_000,
);

test.each(NAMES)(
  "the %s's bill of materials has the packages of npm that are in the bundles",
  async (name) => {
    // A bundle that is not made smaller says above each module where it is from.
    const { entries } = await bundled(ROOT, entryPoints[name], { external: ['koffi'] });
    const text = entries.map((entry) => (entry.kind === 'text' ? entry.text.toString() : '')).join('\n');
    const modules = [...text.matchAll(/^\/\/ ((?:.*\/)?node_modules\/(?:@[^/\n]+\/)?[^/\n]+)\//gm)];
    const folders = new Set(modules.map(([, folder]) => folder));
    const native = ['node_modules/@koromix/koffi-linux-' + process.arch, 'node_modules/koffi'];
    const listed = (await componentsOf(name)).filter(({ purl }) => purl.startsWith('pkg:npm/'));
    const expected = [...folders, ...(name === 'daemon' ? native : [])].toSorted();
    expect(listed.map((each) => each['bom-ref']).toSorted()).toEqual(expected);
    expect(expected.length).toBeGreaterThan(20);
  },
  60_000,
);

test.each(NAMES)("the %s's bill and provenance are about the image in the archive", async (name) => {
  const { digest, folder } = imageOf(name);
  const bill = await document<{ metadata: { component: { version: string } } }>(name, 'cdx');
  expect(bill.metadata.component.version).toBe(digest);
  const node = (await componentsOf(name)).find((each) => each['bom-ref'] === 'node');
  expect(node?.hashes?.[0]?.content).toBe(await digestOf(join(folder, 'usr/bin/node')));
  expect(node?.version).toBe(process.versions.node);
  const statement = await document<{ subject: unknown; predicateType: string; predicate: unknown }>(name, 'provenance');
  expect(statement.subject).toEqual([
    { name: `ghcr.io/chaosplane/${name}:0.1.0`, digest: { sha256: digest.replace('sha256:', '') } },
  ]);
  expect(statement.predicateType).toBe('https://slsa.dev/provenance/v1');
  const { stdout: commit } = await execa('git', ['rev-parse', 'HEAD'], { cwd: ROOT });
  const lock = await digestOf(join(ROOT, 'package-lock.json'));
  const resolvedDependencies = expect.arrayContaining([
    { name: 'sources', digest: { gitCommit: commit } },
    { name: 'package-lock.json', digest: { sha256: lock } },
  ]);
  expect(statement.predicate).toMatchObject({ buildDefinition: { resolvedDependencies } });
});
