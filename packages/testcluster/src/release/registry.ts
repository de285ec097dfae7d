/** An OCI registry on this machine's loopback, built once from its Go module: where a chart is pushed to and installed from. */
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { execa } from 'execa';
import { cacheFolder } from '../cluster/start.ts';
import { buildPrograms, cachedFolder, goCaller, moduleFolder } from '../go/index.ts';

/** Keeps what it has in memory. https://github.com/google/go-containerregistry/tree/main/pkg/registry */
const MODULE = 'github.com/google/go-containerregistry@v0.22.1';

/** A registry without TLS and without accounts. */
export interface Registry {
  /** `localhost:PORT`. */
  readonly host: string;
  close(): Promise<void>;
}

/** Resolves when it serves. It ends with this process, also when that is killed. */
export async function startRegistry(report: (line: string) => void): Promise<Registry> {
  const options = { cacheFolder: cacheFolder(), report };
  const folder = await cachedFolder('registry', [MODULE, process.arch], options, async (_work, bin) => {
    const go = await goCaller(options);
    const program = { name: 'registry', package: './cmd/registry', linkerFlags: '-s -w' };
    await buildPrograms(go, [{ ...program, folder: await moduleFolder(go, MODULE) }], bin, report);
  });
  // setpriv asks the kernel to end it with the thread that started it, which is this process's first.
  const argv = ['--pdeathsig', 'KILL', join(folder, 'registry'), '-port', '0'];
  const running = execa('setpriv', argv, { stdin: 'ignore', stdout: 'ignore', reject: false });
  for await (const line of createInterface({ input: running.stderr })) {
    const port = /serving on port (\d+)/.exec(line)?.[1];
    if (port === undefined) continue;
    running.stderr.resume();
    return {
      host: `localhost:${port}`,
      async close() {
        running.kill('SIGKILL');
        await running;
      },
    };
  }
  throw new Error(`the registry ended at once: ${(await running).stderr}`);
}
