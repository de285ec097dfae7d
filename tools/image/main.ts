/** `npm run image`: builds the container images offline, as archives for `ctr images import` or `docker load`. */
import { copyFile, mkdir, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { cacheFolderOf } from '@chaosplane/common';
import {
  architectures,
  buildImage,
  machines,
  originOf,
  ownArchitecture,
  provenanceOf,
  sbomOf,
  UNNAMED_BUILDER,
  type Architecture,
  type BuiltImage,
  type ImageName,
} from '@chaosplane/image';
import { imagePackages, type DebianPackages } from '@chaosplane/testcluster';
import { Argument, Command, Option } from 'commander';
import { missing, provide } from '../test/packages.ts';

const choices = ['operator', 'daemon', 'all'] as const;
const ROOT = join(import.meta.dirname, '..', '..');
const report = (line: string): void => void process.stderr.write(`${line}\n`);

interface Options {
  readonly out: string;
  readonly registry: string;
  readonly tag: string;
  readonly arch: Architecture[];
  readonly builder: string;
}

async function run(which: (typeof choices)[number], options: Options): Promise<void> {
  const cacheFolder = join(cacheFolderOf(process.env), 'images');
  const reference = (image: ImageName): string => `${options.registry}/${image}:${options.tag}`;
  const references = { operator: reference('operator'), daemon: reference('daemon') };
  const why = await provide(missing(packagesFor(options.arch)), 'the images', report);
  if (why !== undefined) throw new Error(`what is copied into the images is not here: it ${why}`);
  const out = resolve(options.out);
  await mkdir(out, { recursive: true });
  for (const image of which === 'all' ? (['operator', 'daemon'] as const) : [which]) {
    const built = await buildImage(image, {
      cacheFolder,
      report,
      references,
      architectures: [...new Set(options.arch)],
    });
    const path = join(out, `chaosplane-${image}.tar`);
    await copyFile(built.path, path);
    const { size } = await stat(path);
    process.stdout.write(`${path}  ${built.reference}  ${built.digests.digest}  ${Math.round(size / 1e6)} MB\n`);
    await writeDocuments(built, join(out, `chaosplane-${image}`), options.builder);
  }
}

/** The bill of materials and the provenance, for each processor. */
async function writeDocuments({ reference, digests, contents }: BuiltImage, path: string, builder: string) {
  const origin = await originOf(ROOT, builder).catch((error: unknown) => {
    report(`no provenance, because the commit is not known: ${String(error).split('\n')[0] ?? ''}`);
    return undefined;
  });
  for (const each of contents) {
    const { architecture } = each.debian;
    const digest = digests.manifests.find((manifest) => manifest.architecture === architecture)?.digest ?? '';
    const image = { reference, digest };
    await writeFile(`${path}-${architecture}.cdx.json`, await sbomOf(image, each));
    if (origin === undefined) continue;
    await writeFile(`${path}-${architecture}.provenance.json`, await provenanceOf(image, each, origin));
  }
}

/** What the tools of another processor come from is told apart from what is copied. */
function packagesFor(wanted: readonly Architecture[]): DebianPackages {
  const foreign = wanted.filter((name) => name !== ownArchitecture()).map((name) => machines[name].gnu);
  const tools = foreign.map((gnu) => [
    `binutils-${gnu.replace('_', '-')}-linux-gnu`,
    [`/usr/bin/${gnu}-linux-gnu-strip`],
  ]);
  return { ...imagePackages, ...(Object.fromEntries(tools) as DebianPackages) };
}

const program = new Command('npm run image --')
  .description(
    `Builds the container images without a container engine. Beside each archive are its bill of materials
(CycloneDX, .cdx.json) and its provenance (SLSA, .provenance.json, not signed), one for each processor.`,
  )
  .addArgument(new Argument('<image>', 'which one').choices(choices))
  .option('--out <folder>', 'where the archives go', 'dist')
  .option('--registry <name>', 'what the images are called, without the last part', 'ghcr.io/chaosplane')
  .option('--tag <tag>', 'the tag', '0.1.0')
  .addOption(
    new Option('--arch <name...>', 'for which processors; of several, an archive is an index of images')
      .choices(architectures)
      .default([ownArchitecture()]),
  )
  .option('--builder <uri>', 'who builds, as the provenance says', UNNAMED_BUILDER)
  .action(run);

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
