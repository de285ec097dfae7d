/** What a layer needs of the machine: found, or installed when that is possible here. */
import { existsSync } from 'node:fs';
import { aptInstall, canInstall } from '@chaosplane/testbed';
import type { DebianPackages } from '@chaosplane/testcluster';
import type { Layer } from './layers.ts';

type Say = (line: string) => void;

/** What this machine lacks of them. */
export function missing(packages: DebianPackages): string[] {
  return Object.entries(packages)
    .filter(([, files]) => !files.some((file) => existsSync(file)))
    .map(([name]) => name);
}

/** Why a layer cannot run here; undefined when it can. Installs what is missing when it may. */
export async function whyNot(layer: Layer, say: Say): Promise<string | undefined> {
  if (layer.needsRoot && process.getuid?.() !== 0) return 'needs root';
  return provide(missing(layer.packages), `the layer ${layer.name}`, say);
}

/** Why these packages, which are for `purpose`, are not there; undefined when they are by now. */
export async function provide(wanted: readonly string[], purpose: string, say: Say): Promise<string | undefined> {
  if (wanted.length === 0) return undefined;
  if (!canInstall()) return `needs ${wanted.join(', ')}`;
  say(`installing ${wanted.join(', ')} with apt-get, for ${purpose} …`);
  const failure = await aptInstall(wanted, say);
  return failure === undefined ? undefined : `could not install ${wanted.join(', ')}: ${failure.slice(-300)}`;
}
