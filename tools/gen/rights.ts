/** docs/rights.md: what each service account of the chart may do, from what helm renders; written and compared. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { extractKubectlAndHelm } from '@chaosplane/testcluster';
import { rightsOf, rightsPage } from '@chaosplane/testcluster/rights';
import { execa } from 'execa';

const PAGE = join('docs', 'rights.md');

/** The page, of the chart below `root`. */
export async function renderedRights(root: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'chaosplane-helm-'));
  try {
    await extractKubectlAndHelm(folder);
    const argv = ['template', 'chaosplane', join(root, 'charts/chaosplane'), '--namespace', 'chaosplane'];
    const { stdout } = await execa(join(folder, 'helm'), argv, { env: { HELM_CACHE_HOME: folder } });
    return rightsPage(rightsOf(stdout));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export async function writeRights(root: string): Promise<void> {
  await writeFile(join(root, PAGE), await renderedRights(root));
}

/** The path of the page below `root`, when it is not what the chart says. */
export async function staleRights(root: string): Promise<string[]> {
  const committed = await readFile(join(root, PAGE), 'utf8').catch(() => undefined);
  return committed === (await renderedRights(root)) ? [] : [PAGE];
}
