/** Programs of one file that are built inside a Go module. */
import { cp, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { cachedFolder, type BuildOptions } from './cached.ts';
import { buildPrograms, goCaller, moduleFolder } from './programs.ts';

/** One such program. */
export interface InsideProgram {
  readonly name: string;
  /** With its version: `github.com/robfig/cron/v3@v3.0.1`. */
  readonly module: string;
  /** Its only file. */
  readonly source: string;
}

/** Asks a program that reads lines of JSON, and answers each with one: all questions at once, which are answered in their order. */
export async function askInsideModule<Answer>(
  asking: InsideProgram,
  questions: readonly object[],
  options: BuildOptions,
): Promise<readonly Answer[]> {
  const program = join(await insideModuleFolder(asking, options), asking.name);
  const input = questions.map((question) => JSON.stringify(question)).join('\n');
  const { stdout } = await execa(program, { input, maxBuffer: 2 ** 28 });
  return stdout.split('\n').map((line) => JSON.parse(line) as Answer);
}

/**
 * The folder with the program, which is built once, inside a copy of the module, so that what else goes into it is what the module's
 * own go.mod and go.sum say.
 */
export async function insideModuleFolder(
  { name, module, source }: InsideProgram,
  options: BuildOptions,
): Promise<string> {
  const inputs = [module, await readFile(source, 'utf8'), process.arch];
  return cachedFolder(name, inputs, options, async (work, bin) => {
    const go = await goCaller(options);
    const copy = join(work, 'module');
    await cp(await moduleFolder(go, module), copy, { recursive: true });
    // Go keeps modules read-only.
    await execa('chmod', ['-R', 'u+w', copy]);
    await mkdir(join(copy, 'ask'));
    await cp(source, join(copy, 'ask/main.go'));
    const programs = [{ name, package: './ask', folder: copy, linkerFlags: '-s -w' }];
    await buildPrograms(go, programs, bin, options.report);
  });
}
