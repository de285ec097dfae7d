/** The programs of the images, each as one file of JavaScript. */
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import type { ArchiveEntry } from '@chaosplane/testbed/oci/entry';

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

/** Bundles the programs of an image. */
export async function bundle(root: string, image: ImageName): Promise<ArchiveEntry[]> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: { ...entryPoints[image] },
    outdir: '/app',
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    // It loads a native library, which cannot be bundled.
    external: ['koffi'],
    // CommonJS dependencies call require('node:fs'), which a module does not have.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'error',
  });
  const programs = outputFiles.map(({ path, contents }): ArchiveEntry => {
    return { path: `app/${basename(path)}`, kind: 'text', text: Buffer.from(contents) };
  });
  return [...programs, { path: join('app', 'package.json'), kind: 'text', text: '{"type":"module"}\n' }];
}
