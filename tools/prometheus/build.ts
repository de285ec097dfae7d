/** Builds Prometheus for its long test from its Go module, once for each version. */
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import {
  buildPrograms,
  cachedFolder,
  fetching,
  goCaller,
  moduleFolder,
  type BuildOptions,
} from '@chaosplane/testcluster/go';

/** Prometheus 3.N.P is published as 0.30N.P. */
export const PROMETHEUS_VERSION = '3.9.1';
const MODULE = 'github.com/prometheus/prometheus@v0.309.1';

/**
 * What finds targets in clouds is two thirds of the program, and asks the clouds: it is left out, as its plugins.yml provides for.
 * Static targets and those of files and HTTP stay.
 */
const PLUGINS = 'package plugins\n';

const linkerFlags = `-s -w -X github.com/prometheus/common/version.Version=${PROMETHEUS_VERSION}`;

/** The folder with the program `prometheus`; built when it is not there. Throws what Go said. */
export function prometheusFolder(options: BuildOptions): Promise<string> {
  const inputs = [MODULE, PLUGINS, linkerFlags, process.arch];
  return cachedFolder('prometheus', inputs, options, async (work, bin) => {
    const { report } = options;
    const go = await goCaller(options);
    report(`building Prometheus ${PROMETHEUS_VERSION} (once; some 10 minutes, more on a busy machine)`);
    const module = await fetching('Prometheus', report, () => moduleFolder(go, MODULE));
    const folder = join(work, 'prometheus');
    await cp(module, folder, { recursive: true });
    // Go keeps modules read-only.
    await execa('chmod', ['-R', 'u+w', folder]);
    await writeFile(join(folder, 'plugins/plugins.go'), PLUGINS);
    await buildPrograms(go, [{ name: 'prometheus', package: './cmd/prometheus', folder, linkerFlags }], bin, report);
  });
}
