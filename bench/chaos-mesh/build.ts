/** Builds Chaos Mesh's chaos-daemon as a Go module, and our client of its gRPC API, once a version, into the cache folder. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';

/** The module, and its API, which is a module of its own without a version at that commit. */
const MODULE = 'github.com/chaos-mesh/chaos-mesh';
const VERSION = 'v0.9.1-0.20260902003049-47411975a8cb';
const API_VERSION = 'v0.0.0-20260906172039-d70b66ad97ac';

const SOURCES = join(import.meta.dirname, 'client');

/**
 * The folder with `chaos-daemon`, `client` and `nsexec`.
 * @throws Error with the compiler's words; it needs Go (1.25 or newer) and a C compiler.
 */
export async function buildChaosMesh(cacheFolder: string, report: (line: string) => void): Promise<string> {
  const sources = (await readdir(SOURCES)).sort();
  const hash = createHash('sha256').update(`${VERSION} ${API_VERSION}`);
  for (const name of sources) hash.update(await readFile(join(SOURCES, name)));
  const folder = join(cacheFolder, `bench-chaos-mesh-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(folder)) return folder;
  report("building Chaos Mesh's chaos-daemon (once, a few minutes)");
  await mkdir(cacheFolder, { recursive: true });
  const work = await mkdtemp(join(cacheFolder, 'bench-build-'));
  try {
    const out = join(work, 'out');
    await mkdir(join(work, 'client'), { recursive: true });
    await mkdir(out);
    await copyFile(join(SOURCES, 'main.go'), join(work, 'client/main.go'));
    await writeFile(
      join(work, 'tools.go'),
      `//go:build tools\n\npackage tools\n\nimport _ "${MODULE}/cmd/chaos-daemon"\n`,
    );
    await writeFile(join(work, 'go.mod'), await goModule());
    const go = (...argv: readonly string[]) =>
      execa('go', argv, { cwd: work, env: { GOFLAGS: '-mod=mod', CGO_ENABLED: '1' } });
    await go('mod', 'tidy');
    await go('build', '-o', join(out, 'chaos-daemon'), `${MODULE}/cmd/chaos-daemon`);
    await go('build', '-o', join(out, 'client'), './client');
    await execa('gcc', ['-O2', '-Wall', '-o', join(out, 'nsexec'), join(SOURCES, 'nsexec.c')]);
    await rename(out, folder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return folder;
}

/** The replaces of a module's own go.mod do not travel with it, so they are repeated. */
async function goModule(): Promise<string> {
  const { stdout } = await execa('go', ['mod', 'download', '-json', `${MODULE}@${VERSION}`]);
  const { GoMod } = JSON.parse(stdout) as { readonly GoMod: string };
  const replaces = (await readFile(GoMod, 'utf8'))
    .split('\n')
    .filter((line) => line.includes('=>') && !line.includes(`${MODULE}/api`))
    .map((line) => `replace ${line.trim().replace(/^replace /, '')}`);
  return [
    'module chaosplane.test/bench',
    'go 1.25',
    `require ${MODULE} ${VERSION}`,
    `replace ${MODULE}/api => ${MODULE}/api ${API_VERSION}`,
    ...replaces,
    '',
  ].join('\n');
}
