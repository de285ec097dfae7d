/** krew and its check of manifests, built once from their Go module. */
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '@chaosplane/testcluster';
import { buildPrograms, cachedFolder, goCaller, moduleFolder } from '@chaosplane/testcluster/go';

/** The newest that the module proxy has. */
const MODULE = 'sigs.k8s.io/krew@v0.4.3';
const PROGRAMS = ['krew', 'validate-krew-manifest'] as const;

/** The folder with both programs, and with krew under the name by which kubectl finds it. */
export function krewFolder(report: (line: string) => void): Promise<string> {
  const options = { cacheFolder: cacheFolder(), report };
  return cachedFolder('krew', [MODULE, PROGRAMS, process.arch], options, async (_work, bin) => {
    const go = await goCaller(options);
    const folder = await moduleFolder(go, MODULE);
    const programs = PROGRAMS.map((name) => ({ name, package: `./cmd/${name}`, folder, linkerFlags: '-s -w' }));
    await buildPrograms(go, programs, bin, report);
    await symlink('krew', join(bin, 'kubectl-krew'));
  });
}
