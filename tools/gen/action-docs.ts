/** docs/actions: one page per action and an index, rendered from the catalogue, written and compared. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { catalogue } from '@chaosplane/actions';
import { renderAction, renderIndex } from './action-page.ts';
import { filesOf } from './stale.ts';

const FOLDER = join('docs', 'actions');

/** The text of every page by its file name. */
export function actionDocs(): Map<string, string> {
  const pages = catalogue.map((action) => [`${action.name}.md`, renderAction(action)] as const);
  return new Map([['README.md', renderIndex(catalogue)], ...pages]);
}

/** Writes the pages below `root`; pages of actions that are gone go as well. */
export async function writeActionDocs(root: string, pages: ReadonlyMap<string, string>): Promise<void> {
  const folder = join(root, FOLDER);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await Promise.all([...pages].map(([name, text]) => writeFile(join(folder, name), text)));
}

/** Paths of pages below `root` that are not what the catalogue says now. */
export async function staleActionDocs(root: string): Promise<string[]> {
  const committed = await filesOf(join(root, FOLDER));
  const pages = actionDocs();
  const names = new Set([...committed.keys(), ...pages.keys()]);
  return [...names]
    .filter((name) => committed.get(name) !== pages.get(name))
    .map((name) => join(FOLDER, name))
    .toSorted();
}
