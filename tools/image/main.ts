/** `npm run image`: builds the container images offline, as archives for `ctr images import` or `docker load`. */
import { copyFile, mkdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { cacheFolderOf } from '@chaosplane/common';
import { buildImage, type ImageName } from '@chaosplane/image';
import { Argument, Command } from 'commander';
import { imagePackages } from '@chaosplane/testcluster';
import { missing, provide } from '../test/packages.ts';

const choices = ['operator', 'daemon', 'all'] as const;

async function run(which: (typeof choices)[number], options: { out: string; registry: string; tag: string }) {
  const cacheFolder = join(cacheFolderOf(process.env), 'images');
  const reference = (image: ImageName): string => `${options.registry}/${image}:${options.tag}`;
  const references = { operator: reference('operator'), daemon: reference('daemon') };
  const report = (line: string): void => void process.stderr.write(`${line}\n`);
  const why = await provide(missing(imagePackages), 'the images', report);
  if (why !== undefined) throw new Error(`what is copied into the images is not here: it ${why}`);
  for (const image of which === 'all' ? (['operator', 'daemon'] as const) : [which]) {
    const archive = await buildImage(image, { cacheFolder, report, references });
    const out = resolve(options.out);
    await mkdir(out, { recursive: true });
    const path = join(out, `chaosplane-${image}.tar`);
    await copyFile(archive, path);
    const { size } = await stat(path);
    process.stdout.write(`${path}  ${references[image]}  ${Math.round(size / 1e6)} MB\n`);
  }
}

const program = new Command('npm run image --')
  .description('builds the container images without a container engine')
  .addArgument(new Argument('<image>', 'which one').choices(choices))
  .option('--out <folder>', 'where the archives go', 'dist')
  .option('--registry <name>', 'what the images are called, without the last part', 'ghcr.io/chaosplane')
  .option('--tag <tag>', 'the tag', '0.1.0')
  .action(run);

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
