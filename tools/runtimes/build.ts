/** Builds container runtimes for the tests from their Go modules, once for each version. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { cachedFolder, type BuildOptions } from '@chaosplane/testcluster/go';
import {
  buildPrograms,
  fetching,
  goCaller,
  moduleFolder,
  type CallGo,
  type GoProgram,
} from '@chaosplane/testcluster/go';
import { pinns, programs, type BuiltRuntime } from './recipe.ts';

/** The folder with the runtime's programs; built when it is not there. Throws what Go said. */
export function runtimeFolder(kind: BuiltRuntime, options: BuildOptions): Promise<string> {
  const inputs = [programs[kind], pinns, process.arch];
  return cachedFolder(kind, inputs, options, async (_work, bin) => {
    const { report } = options;
    const go = await goCaller(options);
    report(`building ${kind} (once; containerd takes 3 minutes, CRI-O 10, more on a busy machine)`);
    const wanted: GoProgram[] = [];
    for (const { module, ...program } of programs[kind])
      wanted.push({ ...program, folder: await fetching(module, report, () => moduleFolder(go, module)) });
    await buildPrograms(go, wanted, bin, report);
    if (kind === 'crio') await buildPinns(go, bin);
  });
}

async function buildPinns(go: CallGo, bin: string): Promise<void> {
  const folder = join(await moduleFolder(go, pinns.module), pinns.sources);
  const sources = (await readdir(folder)).filter((name) => name.endsWith('.c')).map((name) => join(folder, name));
  await execa('gcc', [...pinns.flags, '-o', join(bin, 'pinns'), ...sources]);
}
