/** Debian packages that a layer needs: found, or installed when that is possible here. */
import { existsSync } from 'node:fs';
import { execa } from 'execa';
import type { Layer } from './layers.ts';

/** What a layer lacks. */
function missing(layer: Layer): string[] {
  return Object.entries(layer.packages)
    .filter(([, files]) => !files.some((file) => existsSync(file)))
    .map(([name]) => name);
}

/** Why a layer cannot run here; undefined when it can. Installs what is missing when it may. */
export async function whyNot(layer: Layer, say: (line: string) => void): Promise<string | undefined> {
  if (layer.needsRoot && process.getuid?.() !== 0) return 'needs root';
  const wanted = missing(layer);
  if (wanted.length === 0) return undefined;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return `needs ${wanted.join(', ')}`;
  say(`installing ${wanted.join(', ')} with apt-get, for the layer ${layer.name} …`);
  const first = await install(wanted);
  if (first === undefined) return undefined;
  await execa('apt-get', ['update', '-qq'], { reject: false });
  const again = await install(wanted);
  return again === undefined ? undefined : `could not install ${wanted.join(', ')}: ${again.slice(-300)}`;
}

/** What apt-get said when it failed; undefined when it did not. */
async function install(packages: readonly string[]): Promise<string | undefined> {
  const argv = ['install', '-qq', '-y', '--no-install-recommends', ...packages];
  const result = await execa('apt-get', argv, { env: { DEBIAN_FRONTEND: 'noninteractive' }, reject: false, all: true });
  return result.failed ? result.all : undefined;
}
