/** A library in an image that has the names which a program asks for, and none of their work. See ADR 0041. */
import { createHash } from 'node:crypto';
import { mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { machines, type Architecture } from './debian.ts';

/** Whose library is replaced. */
export interface Replaced {
  readonly architecture: Architecture;
  /** The name by which the program asks for it, such as `libIPSec_MB.so.1`. */
  readonly name: string;
  /** The library itself, and the program that asks for it. */
  readonly library: string;
  readonly program: string;
}

/** A function that answers 0, which is NULL where a pointer is expected. */
const NOTHING: Readonly<Record<Architecture, string>> = { amd64: 'xorl %eax, %eax', arm64: 'mov x0, #0' };

/** A name of a library, with its version where the library has versions. */
interface Name {
  readonly name: string;
  readonly version: string;
}

/** Makes the library, unless the folder has it. */
export async function standIn(replaced: Replaced, cacheFolder: string): Promise<string> {
  const { architecture, name } = replaced;
  const names = await sharedNames(replaced);
  const [source, versions] = [sourceOf(names, architecture), versionsOf(names)];
  const digest = createHash('sha256').update(source).update(versions).digest('hex').slice(0, 16);
  const path = join(cacheFolder, `${name}-${architecture}-${digest}`);
  if (await stat(path).catch(() => undefined)) return path;
  const tool = (program: string): string => `${machines[architecture].gnu}-linux-gnu-${program}`;
  const work = await mkdtemp(join(cacheFolder, 'stand-in-'));
  const file = (kind: string): string => join(work, `library.${kind}`);
  try {
    await writeFile(file('s'), source);
    await writeFile(file('map'), versions);
    await execa(tool('as'), [file('s'), '-o', file('o')]);
    const script = ['--version-script', file('map')];
    await execa(tool('ld'), ['-shared', '--strip-all', '-soname', name, ...script, '-o', file('so'), file('o')]);
    await rename(file('so'), path);
    return path;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** In the language of GNU as. */
export function sourceOf(names: readonly Name[], architecture: Architecture): string {
  const functions = names.map(
    ({ name }) => `.globl ${name}\n.type ${name}, %function\n${name}:\n ${NOTHING[architecture]}\n ret\n`,
  );
  return `.text\n${functions.join('')}.section .note.GNU-stack,"",%progbits\n`;
}

/** What GNU ld calls a version script: https://sourceware.org/binutils/docs/ld/VERSION.html */
export function versionsOf(names: readonly Name[]): string {
  const byVersion = Map.groupBy(names, ({ version }) => version);
  return [...byVersion]
    .map(([version, each]) => `${version} { ${each.map(({ name }) => `${name};`).join(' ')} };\n`)
    .join('');
}

/** What the program wants and the library has. */
async function sharedNames({ program, library }: Replaced): Promise<Name[]> {
  const symbols = async (which: '--undefined-only' | '--defined-only', file: string): Promise<Name[]> => {
    const { stdout } = await execa('nm', ['--dynamic', '--format=just-symbols', which, file]);
    return stdout.split('\n').map((line) => {
      const [name = '', version = ''] = line.split(/@+/);
      return { name, version };
    });
  };
  const had = new Set((await symbols('--defined-only', library)).map(({ name }) => name));
  const wanted = await symbols('--undefined-only', program);
  return wanted.filter(({ name }) => had.has(name)).toSorted((one, other) => (one.name < other.name ? -1 : 1));
}
