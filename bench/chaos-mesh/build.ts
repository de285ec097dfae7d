/** Builds Chaos Mesh's chaos-daemon as a Go module, and our client of its gRPC API, once a version, into the cache folder. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { buildPrograms, fetching, goCaller, type CallGo } from '@chaosplane/testcluster/go';
import { benchPackages, bringPackages, compilerPackages } from '../needs.ts';

/** The module, and its API, which is a module of its own without a version at that commit. */
const MODULE = 'github.com/chaos-mesh/chaos-mesh';
const VERSION = 'v0.9.1-0.20260902003049-47411975a8cb';
const API_VERSION = 'v0.0.0-20260906172039-d70b66ad97ac';

const SOURCES = join(import.meta.dirname, 'client');

/**
 * The folder with `chaos-daemon`, `client` and `nsexec`. The signal ends it early, and nothing of it stays. Brings the Debian packages, and the Go, that building and running them needs.
 * @throws Error with the compiler's words, or with what has to be installed by hand.
 */
export async function buildChaosMesh(
  cacheFolder: string,
  report: (line: string) => void,
  signal = new AbortController().signal,
): Promise<string> {
  await bringPackages({ ...benchPackages, ...compilerPackages }, "Chaos Mesh's daemon and the test bed", report);
  const sources = (await readdir(SOURCES)).sort();
  const hash = createHash('sha256').update(`${VERSION} ${API_VERSION}`);
  for (const name of sources) hash.update(await readFile(join(SOURCES, name)));
  const folder = join(cacheFolder, `bench-chaos-mesh-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(folder)) return folder;
  report("building Chaos Mesh's chaos-daemon (once; 3 to 10 minutes)");
  const go = await goCaller({ report, signal });
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
    await writeFile(join(work, 'go.mod'), await goModule(go));
    await fetching('Chaos Mesh', report, (onLine) => go(['mod', 'tidy'], work, { onLine }));
    const program = { folder: work, linkerFlags: '', cgo: true } as const;
    const daemon = { ...program, name: 'chaos-daemon', package: `${MODULE}/cmd/chaos-daemon` };
    await buildPrograms(go, [daemon, { ...program, name: 'client', package: './client' }], out, report);
    await execa('gcc', ['-O2', '-Wall', '-o', join(out, 'nsexec'), join(SOURCES, 'nsexec.c')]);
    await rename(out, folder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return folder;
}

/** The replaces of a module's own go.mod do not travel with it, so they are repeated. */
async function goModule(go: CallGo): Promise<string> {
  const { GoMod } = JSON.parse(await go(['mod', 'download', '-json', `${MODULE}@${VERSION}`], '/')) as {
    readonly GoMod: string;
  };
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
