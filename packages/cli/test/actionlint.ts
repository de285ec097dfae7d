/** actionlint, which knows the form of GitHub's workflows and actions, built once from its Go module. */
import { join } from 'node:path';
import { cacheFolder } from '@chaosplane/testcluster';
import { buildPrograms, cachedFolder, goCaller, moduleFolder } from '@chaosplane/testcluster/go';

/** https://github.com/rhysd/actionlint */
const MODULE = 'github.com/rhysd/actionlint@v1.7.12';

/** The path of the program. */
export async function actionlint(report: (line: string) => void): Promise<string> {
  const options = { cacheFolder: cacheFolder(), report };
  const folder = await cachedFolder('actionlint', [MODULE, process.arch], options, async (_work, bin) => {
    const go = await goCaller(options);
    const program = { name: 'actionlint', package: './cmd/actionlint', linkerFlags: '-s -w' };
    await buildPrograms(go, [{ ...program, folder: await moduleFolder(go, MODULE) }], bin, report);
  });
  return join(folder, 'actionlint');
}
