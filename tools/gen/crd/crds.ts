/** The resource definitions of the chart: one file per kind, written and compared. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { filesOf } from '../stale.ts';
import { definitions } from './definitions.ts';
import { renderDefinition } from './render.ts';

const FOLDER = join('charts', 'chaosplane', 'crds');

/** The text of every definition by its file name. */
export function crdFiles(): Map<string, string> {
  return new Map(definitions.map((definition) => [`${definition.plural}.yaml`, renderDefinition(definition)]));
}

/** Writes the definitions below `root`; those of kinds that are gone go as well. */
export async function writeCrds(root: string, files: ReadonlyMap<string, string>): Promise<void> {
  const folder = join(root, FOLDER);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await Promise.all([...files].map(([name, text]) => writeFile(join(folder, name), text)));
}

/** Paths of definitions below `root` that are not what the schemas say now. */
export async function staleCrds(root: string): Promise<string[]> {
  const committed = await filesOf(join(root, FOLDER));
  const files = crdFiles();
  const names = new Set([...committed.keys(), ...files.keys()]);
  return [...names]
    .filter((name) => committed.get(name) !== files.get(name))
    .map((name) => join(FOLDER, name))
    .toSorted();
}
