/** Builds Go programs, and says how far it is. */
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { bringGo, patiently, type Go } from '@chaosplane/testbed';
import { execa } from 'execa';
import { progressLine } from './progress.ts';

/** One program, from a module that is there. */
export interface GoProgram {
  readonly name: string;
  readonly package: string;
  /** The folder of the module that it is built in. */
  readonly folder: string;
  readonly linkerFlags: string;
  readonly tags?: string;
  /** With a C compiler. Absent: static, without a C library. */
  readonly cgo?: true;
}

/** What calls Go. */
export interface GoOptions {
  readonly report: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
  /** It gets the time of the processors that others leave. */
  readonly inBackground?: boolean | undefined;
}

/** Go, called in a module's folder: what it printed. */
export type CallGo = (
  argv: readonly string[],
  cwd: string,
  options?: { readonly cgo?: true | undefined; readonly onLine?: (line: string) => void },
) => Promise<string>;

/** @throws Error when there is no Go here. */
export async function goCaller({ report, signal, inBackground = false }: GoOptions): Promise<CallGo> {
  const go: Go = await bringGo(report);
  return async (argv, cwd, { cgo, onLine } = {}) => {
    const env = { ...go.env, CGO_ENABLED: cgo === true ? '1' : '0', GOFLAGS: '-buildvcs=false' };
    const cancel = signal === undefined ? {} : { cancelSignal: signal };
    const options = { cwd, env, ...cancel };
    const running = inBackground
      ? execa('nice', ['-n', '19', go.program, ...argv], options)
      : execa(go.program, argv, options);
    createInterface({ input: running.stderr }).on('line', onLine ?? (() => undefined));
    return (await running).stdout;
  };
}

/**
 * A module at a version, in the folder where Go keeps it: what it is built from there is what its own go.mod and go.sum say.
 */
export async function moduleFolder(go: CallGo, module: string): Promise<string> {
  const { Dir } = JSON.parse(await go(['mod', 'download', '-json', module], '/')) as { readonly Dir: string };
  return Dir;
}

/** Runs a step of unknown length; every ten seconds a line says that it goes on, with the modules that came so far. */
export function fetching<T>(
  what: string,
  report: (line: string) => void,
  work: (onLine: (line: string) => void) => Promise<T>,
): Promise<T> {
  let modules = 0;
  const line = (seconds: number): string => `${what}: ${modules} modules fetched after ${seconds} s`;
  return patiently(report, line, () =>
    work((each) => {
      if (each.startsWith('go: downloading')) modules++;
    }),
  );
}

/** Builds all of them into `bin`. Throws what Go said. */
export async function buildPrograms(
  go: CallGo,
  programs: readonly GoProgram[],
  bin: string,
  report: (line: string) => void,
): Promise<void> {
  const total = await fetching('modules', report, (onLine) => countPackages(go, programs, onLine));
  const begun = performance.now();
  let done = 0;
  for (const [at, program] of programs.entries()) {
    report(`building ${program.name} (${at + 1} of ${programs.length})`);
    const tags = program.tags === undefined ? [] : ['-tags', program.tags];
    const argv = ['build', '-v', '-trimpath', ...tags, '-ldflags', program.linkerFlags];
    // A line for each package that is compiled; Go's own words begin with `go:`.
    const onLine = (line: string): void => {
      if (!line.startsWith('go: ')) done++;
    };
    const out = ['-o', join(bin, program.name), program.package];
    await patiently(
      report,
      () => progressLine(program.name, { done, total, elapsedMs: performance.now() - begun }),
      () => go([...argv, ...out], program.folder, { cgo: program.cgo, onLine }),
    );
  }
  report(`built ${programs.map(({ name }) => name).join(', ')} in ${Math.round((performance.now() - begun) / 1000)} s`);
}

/** All packages that the programs are made of; what two share is compiled once. */
async function countPackages(
  go: CallGo,
  programs: readonly GoProgram[],
  onLine: (line: string) => void,
): Promise<number> {
  const all = new Set<string>();
  for (const { package: name, folder, tags, cgo } of programs) {
    const argv = ['list', '-deps', ...(tags === undefined ? [] : ['-tags', tags]), name];
    for (const line of (await go(argv, folder, { cgo, onLine })).split('\n')) all.add(line);
  }
  return all.size;
}
