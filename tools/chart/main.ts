/** `npm run chart`: the chart as an archive, and as an artifact of an OCI registry, as it is published. Calls helm. */
import { mkdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { VERSION } from '@chaosplane/common';
import { Command } from 'commander';
import { execa } from 'execa';
import { parse } from 'yaml';

const ROOT = join(import.meta.dirname, '../..');
const CHART = join(ROOT, 'charts/chaosplane');

interface Options {
  readonly out: string;
  readonly push?: string;
  readonly plainHttp?: true;
}

/** The chart, the images that it names, and the programs are one release. */
async function checkVersions(): Promise<void> {
  const chart = parse(await readFile(join(CHART, 'Chart.yaml'), 'utf8')) as Readonly<Record<string, string>>;
  const root = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { readonly version: string };
  const said = {
    'version of the chart': chart['version'],
    appVersion: chart['appVersion'],
    'package.json': root.version,
  };
  const others = Object.entries(said).filter(([, version]) => version !== VERSION);
  if (others.length > 0)
    throw new Error(`the version is ${VERSION}, but ${others.map((each) => each.join(' says ')).join(', ')}`);
}

async function run({ out, push, plainHttp }: Options): Promise<void> {
  await checkVersions();
  const folder = resolve(out);
  await mkdir(folder, { recursive: true });
  await execa('helm', ['package', CHART, '--destination', folder]);
  const archive = join(folder, `chaosplane-${VERSION}.tgz`);
  process.stdout.write(`${archive}\n`);
  if (push === undefined) return;
  // helm tells what it has pushed, with the digest, on standard error.
  const { all } = await execa('helm', ['push', archive, push, ...(plainHttp === true ? ['--plain-http'] : [])], {
    all: true,
  });
  process.stdout.write(`${all}\n`);
}

const program = new Command('npm run chart --')
  .description('packs the chart, and pushes it to an OCI registry')
  .option('--out <folder>', 'where the archive goes', 'dist/chart')
  .option('--push <url>', 'oci://REGISTRY/FOLDER, where you are logged in (helm registry login)')
  .option('--plain-http', 'the registry has no TLS, as one on this machine')
  .action(run);

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
