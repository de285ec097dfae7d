/** What a layer needs of the machine: found, or installed when that is possible here. */
import { existsSync } from 'node:fs';
import { execa } from 'execa';
import { debianGoSuffices, findGo } from '../cluster/index.ts';
import type { Layer } from './layers.ts';

type Say = (line: string) => void;

/** What a layer lacks. */
function missing(layer: Layer): string[] {
  return Object.entries(layer.packages)
    .filter(([, files]) => !files.some((file) => existsSync(file)))
    .map(([name]) => name);
}

/** Why a layer cannot run here; undefined when it can. Installs what is missing when it may. */
export async function whyNot(layer: Layer, say: Say): Promise<string | undefined> {
  if (layer.needsRoot && process.getuid?.() !== 0) return 'needs root';
  const why = await provide(missing(layer), layer, say);
  return why ?? (layer.needsKubernetes === true ? whyNoGo(layer, say) : undefined);
}

/** A Debian whose Go is too old is not asked for it. */
async function whyNoGo(layer: Layer, say: Say): Promise<string | undefined> {
  const found = findGo();
  if (!('why' in found)) return undefined;
  const policy = await execa('apt-cache', ['policy', 'golang-go'], { reject: false });
  if (!debianGoSuffices(policy.failed ? '' : policy.stdout)) return found.why;
  const why = await provide(['golang-go'], layer, say);
  if (why !== undefined) return why;
  const now = findGo();
  return 'why' in now ? now.why : undefined;
}

/** Why these packages are not there; undefined when they are by now. */
async function provide(wanted: readonly string[], layer: Layer, say: Say): Promise<string | undefined> {
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
