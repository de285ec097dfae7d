/** The programs of the images, each as one file of JavaScript. */
import { basename, join } from 'node:path';
import { build, type BuildOptions } from 'esbuild';
import type { ArchiveEntry } from '@chaosplane/testbed/oci/entry';
import { noticesOf } from './notices.ts';
import { OLDEST_NODE } from './start.ts';

type BundleOptions = Pick<BuildOptions, 'external' | 'alias' | 'outExtension'>;

/** The images there are. */
export type ImageName = 'operator' | 'daemon';

/**
 * By their names below /app. `main` is the program; threads and processes that it starts are found beside it by their name.
 * `chaosplane` is the command for who is inside the daemon's container.
 */
export const entryPoints: Readonly<Record<ImageName, Readonly<Record<string, string>>>> = {
  operator: { main: 'packages/operator/src/main.ts' },
  daemon: {
    main: 'packages/daemon/src/main.ts',
    worker: 'packages/daemon/src/host/queue/worker.ts',
    'gate.main': 'packages/daemon/src/host/stress/gate.main.ts',
    chaosplane: 'packages/cli/src/main.ts',
  },
};

/** Bundles the programs of an image, below `app`. It loads a native library, which cannot be bundled. */
export async function bundle(root: string, image: ImageName): Promise<ArchiveEntry[]> {
  const programs = await bundledWithNotices(root, entryPoints[image], { external: ['koffi'] });
  return [...programs, { path: 'package.json', kind: 'text', text: '{"type":"module"}\n' } as const].map((entry) => ({
    ...entry,
    path: join('app', entry.path),
  }));
}

/** The programs, and beside them the licences of what is bundled into them, which go with them. */
export async function bundledWithNotices(
  root: string,
  programs: Readonly<Record<string, string>>,
  options: BundleOptions,
): Promise<ArchiveEntry[]> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: { ...programs },
    outdir: '/app',
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    target: `node${OLDEST_NODE}`,
    format: 'esm',
    ...options,
    // CommonJS dependencies call require('node:fs'), which a module does not have.
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
    },
    logLevel: 'error',
  });
  const modules = outputFiles.map(({ path, contents }): ArchiveEntry => ({
    path: basename(path),
    kind: 'text',
    text: Buffer.from(contents),
  }));
  const text = await noticesOf(root, Object.keys(metafile.inputs));
  return [...modules, { path: 'THIRD-PARTY-NOTICES.txt', kind: 'text', text }];
}
