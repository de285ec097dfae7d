/** The programs of the images, as modules of JavaScript. */
import { builtinModules } from 'node:module';
import { basename, join } from 'node:path';
import { build, type BuildOptions, type Metafile, type Plugin } from 'esbuild';
import type { ArchiveEntry } from '@chaosplane/testbed/oci/entry';
import { noticesOf } from './notices.ts';
import { OLDEST_NODE } from './start.ts';

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

/** What a bundler made, and of what. */
export interface Bundle {
  /** The programs, the modules that they share or load later, and the licences of what is bundled, which go with it. */
  readonly entries: readonly ArchiveEntry[];
  /** The files that went into it, from the root of the repository on. */
  readonly inputs: readonly string[];
}

/** Bundles the programs of an image, below `app`. It loads a native library, which cannot be bundled. */
export async function bundle(root: string, image: ImageName): Promise<Bundle> {
  // Names stay as they are in the sources, for stacks and profiles; Node.js prints the whole line at which a program ended.
  const smaller = { minifyWhitespace: true, minifySyntax: true, lineLimit: 200, external: ['koffi'] };
  // What several programs import is there once, and what is imported later is loaded later.
  const { entries, inputs } = await bundled(root, entryPoints[image], { ...smaller, splitting: true });
  const all = [...entries, { path: 'package.json', kind: 'text', text: '{"type":"module"}\n' } as const];
  return { entries: all.map((entry) => ({ ...entry, path: join('app', entry.path) })), inputs };
}

/** Each program as one module; with `splitting`, and the modules that they share. */
export async function bundled(
  root: string,
  programs: Readonly<Record<string, string>>,
  options: Pick<
    BuildOptions,
    'external' | 'alias' | 'outExtension' | 'splitting' | 'minifyWhitespace' | 'minifySyntax' | 'lineLimit'
  >,
): Promise<Bundle> {
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
    // The licences are in the notices.
    legalComments: 'none',
    plugins: [builtinsByRequire],
    ...options,
    // CommonJS dependencies call require('node:fs'), which a module does not have.
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
    },
    logLevel: 'error',
  });
  refuseLost(metafile, Object.values(programs));
  const used = Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  );
  const inputs = [...new Set(used)].filter((path) => !path.startsWith(`${BUILTIN}:`)).toSorted();
  const modules = outputFiles.map(({ path, contents }): ArchiveEntry => {
    return { path: basename(path), kind: 'text', text: Buffer.from(contents) };
  });
  const notices = { path: 'THIRD-PARTY-NOTICES.txt', kind: 'text', text: await noticesOf(root, inputs) } as const;
  return { entries: [...modules, notices], inputs };
}

/** The namespace of modules that stand for built-in ones. */
const BUILTIN = 'builtin';

/**
 * Gets the built-in modules by require. `import` reads every export of them once, and one of node:http loads a client with its
 * own 2 MB: findings/importing-node-http-loads-undici.sh.
 */
const builtinsByRequire: Plugin = {
  name: 'builtins-by-require',
  setup({ onLoad, onResolve }) {
    const names = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]));
    onResolve({ filter: /^[\w:/]+$/ }, ({ path, kind, namespace }) =>
      names.has(path) && kind === 'import-statement' && namespace !== BUILTIN
        ? { path, namespace: BUILTIN, sideEffects: false }
        : undefined,
    );
    onLoad({ filter: /.*/, namespace: BUILTIN }, ({ path }) => {
      return { contents: `module.exports = require(${JSON.stringify(path)});`, loader: 'js' };
    });
  },
};

/**
 * With `splitting`, what `import()` gives of a CommonJS file lacks its names: https://github.com/evanw/esbuild/issues/3245
 * @throws Error naming such a file.
 */
function refuseLost({ inputs, outputs }: Metafile, programs: readonly string[]): void {
  const lost = Object.values(outputs).flatMap(({ entryPoint }) =>
    entryPoint !== undefined && !programs.includes(entryPoint) && inputs[entryPoint]?.format === 'cjs'
      ? [entryPoint]
      : [],
  );
  if (lost.length > 0) throw new Error(`import() of ${lost.join(', ')} would lack its names in a bundle that is split`);
}
