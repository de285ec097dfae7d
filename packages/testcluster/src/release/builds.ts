/** Builds of ChaosPlane that are installed one after another: images and a chart for each. */
import { cp, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { parseDocument } from 'yaml';
import type { Cluster } from '../cluster/cluster.ts';
import { cacheFolder } from '../cluster/start.ts';
import { NAMESPACE as SYSTEM, RELEASE } from './release.ts';

/** What is installed. */
export interface Build {
  /** Folder of the chart. */
  readonly chart: string;
  readonly tag: string;
  /** OCI archives of the two images. */
  readonly images: readonly string[];
}

const ROOT = join(import.meta.dirname, '../../../..');
const REGISTRY = 'chaosplane.test';

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** The image of a part, as a pod names it. */
export const imageOf = (part: 'operator' | 'daemon', { tag }: Pick<Build, 'tag'>): string =>
  `${REGISTRY}/${part}:${tag}`;

/** An earlier build, made of its commit, once for each. */
export async function buildBefore(commit: string): Promise<Build> {
  const folder = join(cacheFolder(), 'builds', commit);
  const build: Build = {
    chart: join(folder, 'chart'),
    tag: 'before',
    images: namesIn(folder),
  };
  if (await exists(folder)) return build;
  say(`building ${commit.slice(0, 7)}`);
  const work = await mkdtemp(join(tmpdir(), 'chaosplane-before-'));
  try {
    const [checkout, out] = [join(work, 'checkout'), join(work, 'out')];
    await execa('git', ['clone', '--shared', '--no-checkout', ROOT, checkout]);
    await execa('git', ['checkout', '--detach', commit], { cwd: checkout });
    await execa('npm', ['ci'], { cwd: checkout });
    await archivesOf(checkout, out, build.tag);
    await cp(join(checkout, 'charts/chaosplane'), join(out, 'chart'), { recursive: true });
    // Whole or not at all, on a file system that may be another one.
    await mkdir(`${folder}.part`, { recursive: true });
    await cp(out, `${folder}.part`, { recursive: true });
    await rename(`${folder}.part`, folder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return build;
}

/** This checkout, under a tag of its own; its archives lie in `folder`. */
export async function buildNow(tag: string, folder: string): Promise<Build> {
  const images = await archivesOf(ROOT, join(folder, tag), tag);
  return { chart: join(ROOT, 'charts/chaosplane'), tag, images };
}

/** Both images of a checkout, in `out`. */
async function archivesOf(checkout: string, out: string, tag: string): Promise<string[]> {
  const named = ['--registry', REGISTRY, '--tag', tag];
  await execa('npm', ['run', 'image', '--', 'all', '--out', out, ...named], { cwd: checkout });
  return namesIn(out);
}

const namesIn = (folder: string): string[] =>
  ['operator', 'daemon'].map((part) => join(folder, `chaosplane-${part}.tar`));

/** The build with a copy of its chart in `folder`, whose definitions of these kinds have one optional field more in their specs. */
export async function withField(
  build: Build,
  folder: string,
  { plurals, field }: { readonly plurals: readonly string[]; readonly field: string },
): Promise<Build> {
  const chart = join(folder, 'chart-with-field');
  await cp(build.chart, chart, { recursive: true });
  for (const plural of plurals) {
    const path = join(chart, 'crds', `${plural}.yaml`);
    const definition = parseDocument(await readFile(path, 'utf8'));
    const ofSpec = ['spec', 'versions', 0, 'schema', 'openAPIV3Schema', 'properties', 'spec', 'properties'];
    definition.setIn([...ofSpec, field], { description: 'Came later.', type: 'string' });
    await writeFile(path, definition.toString());
  }
  return { ...build, chart };
}

const WAIT = ['--namespace', SYSTEM, '--wait', '--timeout', '5m'];

/** Installs the build, or upgrades to it, with these settings and `more` flags of Helm. */
export async function upgradeTo(
  cluster: Cluster,
  { chart, tag }: Build,
  set: readonly string[] = [],
  more: readonly string[] = [],
): Promise<void> {
  const settings = [`image.registry=${REGISTRY}`, `image.tag=${tag}`, 'image.pullPolicy=Never', ...set];
  await cluster.helm([
    ...['upgrade', '--install', RELEASE, chart, '--create-namespace', ...WAIT, ...more],
    ...settings.flatMap((setting) => ['--set', setting]),
  ]);
}

/** As an administrator takes an upgrade back. */
export async function rollbackTo(cluster: Cluster, revision: number): Promise<void> {
  await cluster.helm(['rollback', RELEASE, String(revision), ...WAIT]);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
