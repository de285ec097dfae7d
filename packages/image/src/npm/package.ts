/** The command as a package of npm: what is in it, and how it is packed. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type { ArchiveEntry } from '@chaosplane/testbed/oci/entry';
import { bundled, entryPoints } from '../bundle.ts';
import { OLDEST_NODE, startProgram } from '../start.ts';

const ROOT = join(import.meta.dirname, '../../../..');
const REPOSITORY = 'https://github.com/chaosplane/chaosplane';
const START = 'start.cjs';

/** The programs, with what each starts beside itself; the licences; what npm reads. */
async function entries(version: string): Promise<ArchiveEntry[]> {
  const { main: _daemon, ...programs } = entryPoints.daemon;
  const alias = { koffi: join(import.meta.dirname, 'koffi.ts') };
  const { entries: bundle } = await bundled(ROOT, programs, { alias, outExtension: { '.js': '.mjs' } });
  const manifest = `${JSON.stringify(await manifestOf(version), null, 2)}\n`;
  return [
    ...bundle,
    { path: START, kind: 'text', text: startProgram('chaosplane') },
    { path: 'package.json', kind: 'text', text: manifest },
    { path: 'README.md', kind: 'text', text: await readFile(join(import.meta.dirname, 'README.md')) },
    { path: 'LICENSE', kind: 'text', text: await readFile(join(ROOT, 'LICENSE')) },
  ];
}

/** https://docs.npmjs.com/cli/v11/configuring-npm/package-json; provenance: https://docs.npmjs.com/generating-provenance-statements */
async function manifestOf(version: string): Promise<object> {
  const daemon = await readFile(join(ROOT, 'packages/daemon/package.json'), 'utf8');
  const { dependencies } = JSON.parse(daemon) as { readonly dependencies: Readonly<Record<string, string>> };
  return {
    name: 'chaosplane',
    version,
    description: 'Chaos engineering for Kubernetes: faults that provably took effect, provably end, and never leak.',
    keywords: ['chaos-engineering', 'kubernetes', 'resilience', 'fault-injection', 'kubectl-plugin'],
    license: 'Apache-2.0',
    homepage: `${REPOSITORY}#readme`,
    bugs: `${REPOSITORY}/issues`,
    repository: { type: 'git', url: `git+${REPOSITORY}.git` },
    // Under the second name it is a plugin of kubectl.
    bin: { chaosplane: START, 'kubectl-chaosplane': START },
    files: ['*.mjs', START, 'THIRD-PARTY-NOTICES.txt'],
    engines: { node: `>=${OLDEST_NODE}` },
    optionalDependencies: { koffi: dependencies['koffi'] },
    publishConfig: { access: 'public', provenance: true },
  };
}

/** Packs it by npm; the path of `chaosplane-VERSION.tgz` in `out`. */
export async function packNpm(out: string, { version }: { readonly version: string }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'chaosplane-npm-'));
  try {
    for (const entry of await entries(version)) {
      if (entry.kind !== 'text') throw new Error(`${entry.path} is not a text`);
      await writeFile(join(folder, entry.path), entry.text);
    }
    await mkdir(out, { recursive: true });
    const argv = ['pack', '--json', '--ignore-scripts', '--pack-destination', out];
    const { stdout } = await execa('npm', argv, { cwd: folder, env: { NODE_OPTIONS: '' } });
    const [packed] = JSON.parse(stdout) as { readonly filename: string }[];
    if (packed === undefined) throw new Error(`npm pack has made nothing: ${stdout}`);
    return join(out, packed.filename);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
