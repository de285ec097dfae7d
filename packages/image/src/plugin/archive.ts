/** The command as a plugin of kubectl: what is in the archive of a release, the same for every platform with Node.js. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compressed } from '@chaosplane/testbed/oci';
import type { ArchiveEntry } from '@chaosplane/testbed/oci/entry';
import { bundled } from '../bundle.ts';
import { OLDEST_NODE, startProgram } from '../start.ts';

const ROOT = join(import.meta.dirname, '../../../..');

/** kubectl finds it under this name, and krew links to it. */
export const PLUGIN_PROGRAM = 'kubectl-chaosplane';

/** The program, the bundle that it starts, the licences. */
export async function pluginEntries(): Promise<ArchiveEntry[]> {
  const programs = { chaosplane: 'packages/cli/src/main.ts' };
  const alias = { koffi: join(import.meta.dirname, 'koffi.ts') };
  const { entries } = await bundled(ROOT, programs, { alias, outExtension: { '.js': '.mjs' } });
  return [
    ...entries,
    { path: PLUGIN_PROGRAM, kind: 'text', text: startProgram('this plugin'), mode: 0o755 },
    { path: 'LICENSE', kind: 'file', source: join(ROOT, 'LICENSE'), mode: 0o644 },
  ];
}

/** The archive; the same content is the same archive. */
export async function pluginArchive(): Promise<Buffer> {
  return compressed(await pluginEntries());
}

/** The manifest of krew for an archive that lies at `uri`. */
export async function krewManifest(
  archive: Buffer,
  { version, uri }: { version: string; uri: string },
): Promise<string> {
  const template = await readFile(join(import.meta.dirname, 'krew.yaml'), 'utf8');
  const sha256 = createHash('sha256').update(archive).digest('hex');
  const values: Readonly<Record<string, string>> = { version: `v${version}`, uri, sha256, node: String(OLDEST_NODE) };
  return template.replaceAll(/\{\{ (\w+) \}\}/g, (whole, name: string) => values[name] ?? whole);
}
