/** The licences of what is bundled, which ask that their words go with it. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** `node_modules/NAME`, the innermost one of a path. */
const FOLDER = /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/;

/**
 * The text with name, version and licence of every npm package of which a source is among `sources` (paths below `root`), by name.
 * @throws Error naming a package that has no file with its licence and does not say which one it has.
 */
export async function noticesOf(root: string, sources: readonly string[]): Promise<string> {
  const folders = new Set(sources.flatMap((path) => FOLDER.exec(path)?.[0] ?? []));
  const notices = await Promise.all([...folders].map((folder) => noticeOf(join(root, folder))));
  return [...new Set(notices)].toSorted().join(`\n${'-'.repeat(78)}\n\n`);
}

async function noticeOf(folder: string): Promise<string> {
  const text = await readFile(join(folder, 'package.json'), 'utf8');
  const { name, version, license } = JSON.parse(text) as { name: string; version: string; license?: string };
  const file = (await readdir(folder)).filter((each) => /^licen[cs]e(?:[.-]|$)/i.test(each)).toSorted()[0];
  if (file === undefined && license === undefined) throw new Error(`${name} does not say its licence`);
  const words = file === undefined ? '' : `\n${(await readFile(join(folder, file), 'utf8')).trim()}\n`;
  return `${name} ${version}: ${license ?? 'as follows'}\n${words}`;
}
