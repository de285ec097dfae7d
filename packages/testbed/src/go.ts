/** A Go that is new enough: the machine's own, or a toolchain that comes as a Go module. */
import { chmod, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { patiently } from './patience.ts';
import { goPlaces } from './prerequisites.ts';

/** What containerd 2.2 and Chaos Mesh ask for; Kubernetes 1.34 asks for 1.24. */
const LEAST_MINOR = 25;
const TOOLCHAIN = 'golang.org/toolchain@v0.0.1-go1.26.8';

/** How Go is called so that it is new enough. */
export interface Go {
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;
}

/** From 1.21 on Go fetches the newer one that a module asks for by itself, unless it is told not to. */
export function suffices(version: string, toolchain: string): boolean {
  const minor = Number(/^go1\.(\d+)/.exec(version)?.[1] ?? 0);
  return minor >= LEAST_MINOR || (minor >= 21 && toolchain !== 'local');
}

/**
 * The machine's Go when it is new enough, else a toolchain that this Go fetches: Debian 12 has 1.19, which can.
 * @throws Error when there is none at all.
 */
export async function bringGo(say: (line: string) => void): Promise<Go> {
  let old: string | undefined;
  for (const program of goPlaces()) {
    const { failed, stdout } = await execa(program, ['env', 'GOVERSION', 'GOTOOLCHAIN'], { reject: false, cwd: '/' });
    if (failed) continue;
    const [version = '', toolchain = ''] = stdout.split('\n');
    if (suffices(version, toolchain)) return { program, env: {} };
    old ??= program;
  }
  if (old === undefined) throw new Error('there is no Go here: apt-get install golang-go');
  return { program: await newerGo(old, say), env: { GOTOOLCHAIN: 'local' } };
}

/** Go's own toolchains are modules; what a module brings has no run bits. */
async function newerGo(old: string, say: (line: string) => void): Promise<string> {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const module = `${TOOLCHAIN}.linux-${architecture}`;
  say(`fetching ${module}, because Go 1.${LEAST_MINOR} or newer is needed (once, about 70 MB, some 10 s)`);
  const { stdout } = await patiently(
    say,
    (seconds) => `${module}: ${seconds} s so far, some 10 s with a fast network`,
    () => execa(old, ['mod', 'download', '-json', module], { cwd: '/' }),
  );
  const { Dir } = JSON.parse(stdout) as { readonly Dir: string };
  for (const folder of [join(Dir, 'bin'), join(Dir, 'pkg/tool', `linux_${architecture}`)])
    for (const name of await readdir(folder)) await chmod(join(folder, name), 0o755);
  return join(Dir, 'bin/go');
}
