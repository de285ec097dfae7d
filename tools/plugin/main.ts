/** `npm run plugin`: the command as a plugin of kubectl, as the archive of a release, and the manifest by which krew installs it. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { VERSION } from '@chaosplane/common';
import { krewManifest, PLUGIN_PROGRAM, pluginArchive } from '@chaosplane/image';
import { Command } from 'commander';

const RELEASES = 'https://github.com/chaosplane/chaosplane/releases/download';

async function run(options: { readonly out: string; readonly from: string }): Promise<void> {
  const out = resolve(options.out);
  const name = `${PLUGIN_PROGRAM}-v${VERSION}.tar.gz`;
  const archive = await pluginArchive();
  await mkdir(out, { recursive: true });
  await writeFile(join(out, name), archive);
  const manifest = await krewManifest(archive, { version: VERSION, uri: `${options.from}/${name}` });
  // krew wants the manifest to be called as the plugin.
  await writeFile(join(out, 'chaosplane.yaml'), manifest);
  process.stdout.write(
    `${join(out, name)}  ${(archive.length / 1e6).toFixed(1)} MB\n${join(out, 'chaosplane.yaml')}\n`,
  );
}

const program = new Command('npm run plugin --')
  .description('makes the archive of the kubectl plugin, and the manifest for krew')
  .option('--out <folder>', 'where they go', 'dist')
  .option('--from <url>', 'the folder that the archive will be downloaded from', `${RELEASES}/v${VERSION}`)
  .action(run);

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
