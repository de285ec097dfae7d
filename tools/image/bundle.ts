/** The programs of the images, each as one file of JavaScript. */
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import type { Entry } from '@chaosplane/testbed/oci/entry';

/** The images there are. */
export type ImageName = 'operator' | 'daemon';

/** The first entry is the program; the others are threads and processes that it starts, found beside it by their name. */
export const entryPoints: Readonly<Record<ImageName, readonly string[]>> = {
  operator: ['packages/operator/src/main.ts'],
  daemon: [
    'packages/daemon/src/main.ts',
    'packages/daemon/src/host/queue/worker.ts',
    'packages/daemon/src/process/gate.main.ts',
  ],
};

/** Bundles the programs of an image. */
export async function bundle(root: string, image: ImageName): Promise<Entry[]> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [...entryPoints[image]],
    outdir: '/app',
    entryNames: '[name]',
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
  const programs = outputFiles.map(({ path, contents }): Entry => {
    return { path: `app/${basename(path)}`, kind: 'text', text: Buffer.from(contents) };
  });
  return [...programs, { path: join('app', 'package.json'), kind: 'text', text: '{"type":"module"}\n' }];
}
