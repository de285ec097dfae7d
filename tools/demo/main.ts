/** `npm run demo:cluster`: the main job on a Kubernetes of its own, from `helm install` to nothing left. */
import { missing, provide } from '../test/packages.ts';
import { imagePackages, packages, startCluster, sweepClusters, whyNoCluster } from '@chaosplane/testcluster';
import { tell } from './story.ts';

const HELP = `npm run demo:cluster

Starts a Kubernetes of two nodes on this machine, installs ChaosPlane with helm, and slows the requests between two
applications by a ChaosExperiment. The first run builds Kubernetes from source, which takes a few minutes; later ones take
about two minutes in all. Needs root. Everything that it starts is removed.`;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(): Promise<number> {
  if (process.argv.includes('--help')) {
    say(HELP);
    return 0;
  }
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => controller.abort(new Error(`interrupted by ${signal}`)));
  const lacking = await provide(missing({ ...packages, ...imagePackages }), 'the cluster and the images', say);
  const why = lacking ?? whyNoCluster();
  if (why !== undefined) {
    process.stderr.write(`error: the demo cannot run here: ${why}\n`);
    return 2;
  }
  for (const folder of await sweepClusters()) say(`removed what a killed run had left in ${folder}`);
  say('A Kubernetes of two nodes; everything is removed at the end.');
  const { signal } = controller;
  await using cluster = await startCluster({ nodes: 2, signal, report: (line) => say(`  ${line} …`) });
  try {
    return (await tell(cluster, { out: process.stdout, say, interrupted: signal })) ? 0 : 1;
  } catch (error) {
    if (signal.aborted) say(String(signal.reason instanceof Error ? signal.reason.message : signal.reason));
    else throw error;
    return 1;
  } finally {
    say('\nRemoving the cluster …');
  }
}

process.exit(
  await main().catch((error: unknown) => {
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    return 2;
  }),
);
