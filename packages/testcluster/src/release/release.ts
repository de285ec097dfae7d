/** ChaosPlane on a test cluster: the chart of this checkout, with images that are built from it. */
import { basename, join } from 'node:path';
import { buildImages, testImages } from '@chaosplane/image';
import type { Cluster } from '../cluster/cluster.ts';
import { cacheFolder } from '../cluster/start.ts';

export const RELEASE = 'chaosplane';
export const NAMESPACE = 'chaosplane';

const CHART = join(import.meta.dirname, '../../../../charts/chaosplane');

export interface ReleaseOptions {
  readonly report: (line: string) => void;
  /** Settings of the chart, as helm's `--set` takes them: `operator.replicas=1`. */
  readonly set?: readonly string[];
}

/**
 * Builds the images, loads them into every node, and installs or upgrades the release. Resolves when the operator and all
 * daemons are ready.
 */
export async function installRelease(cluster: Cluster, { report, set = [] }: ReleaseOptions): Promise<void> {
  const images = await buildImages({ cacheFolder: join(cacheFolder(), 'images'), report });
  report('loading the images');
  await cluster.loadImages(Object.values(images));
  report('installing the chart');
  const [registry, tag] = testImages.operator.split(/\/operator:/);
  // The tag is always the same; pods are replaced when their archive is another one.
  const archives = Object.entries(images).map(([part, path]) => `${part}.podAnnotations.archive=${basename(path)}`);
  const source = [`image.registry=${registry ?? ''}`, `image.tag=${tag ?? ''}`, 'image.pullPolicy=Never'];
  const settings = [...source, ...archives, ...set];
  await cluster.helm([
    ...['upgrade', '--install', RELEASE, CHART, '--namespace', NAMESPACE, '--create-namespace'],
    ...['--wait', '--timeout', '3m'],
    ...settings.flatMap((setting) => ['--set', setting]),
  ]);
}

/** Removes the release as a user does; the hook ends running experiments first. */
export async function uninstallRelease(cluster: Cluster): Promise<void> {
  await cluster.helm([
    'uninstall',
    RELEASE,
    '--namespace',
    NAMESPACE,
    '--cascade',
    'foreground',
    '--wait',
    '--timeout',
    '5m',
  ]);
}
