/** The same bench in the virtual machine of the tests, whose kernel has netem: what has to be built is built here first. */
import { join } from 'node:path';
import { cacheFolderOf } from '@chaosplane/common';
import { appArchive } from '@chaosplane/testbed';
import { vmPackages } from '../../tools/test/layers.ts';
import { whyNoVm } from '../../tools/vm/kernel.ts';
import { runInVm } from '../../tools/vm/vm.ts';
import { buildChaosMesh } from '../chaos-mesh/build.ts';
import { bringPackages } from '../needs.ts';
import type { FeltOptions } from './bench.ts';

const HOUR_MS = 3_600_000;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** @throws Error when no virtual machine can run here, or the bench in it failed. */
export async function benchFeltInVm(rounds: number, { cut, signal }: FeltOptions): Promise<void> {
  await bringPackages(vmPackages, 'the virtual machine', say);
  const why = await whyNoVm();
  if (why !== undefined) throw new Error(why);
  const cache = cacheFolderOf(process.env);
  await buildChaosMesh(cache, say, signal);
  await appArchive(cache, say);
  say('starting the virtual machine: emulated, so that starting containerd and eight pods takes some minutes');
  const program = join(import.meta.dirname, '..', 'main.ts');
  const argv = [process.execPath, '--disable-warning=ExperimentalWarning', program, 'felt', String(rounds)];
  const { exitCode } = await runInVm([...argv, '--cut', String(cut)], {
    timeoutMs: HOUR_MS,
    memoryMb: 2048,
    // A file system of its own: containerd cannot lay one overlay over another.
    env: { TMPDIR: '/run', XDG_CACHE_HOME: join(cache, '..') },
    signal,
    onOutput: (text, stream) => process[stream].write(text),
    onReport: say,
  });
  if (exitCode !== 0) throw new Error(`the bench in the virtual machine ended with exit code ${exitCode}`);
}
