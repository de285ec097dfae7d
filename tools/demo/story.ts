/** The story of the demo on a cluster: install, apply, felt, gone, removed. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger, systemClock } from '@chaosplane/common';
import { parseExperiment, type ExperimentStatus, chaosExperiments } from '@chaosplane/api';
import { createKubeClient } from '@chaosplane/kube';
import { loadCluster } from '@chaosplane/kube/config';
import { differences, fingerprint } from '@chaosplane/testbed';
import { execa } from 'execa';
import { parse } from 'yaml';
import { experimentRuns, followRun, statusOf } from '@chaosplane/client';
import { judge } from '@chaosplane/cli/demo/judge';
import { createMeasurements, type Measurements } from '@chaosplane/cli/demo/measure';
import { createProgress } from '@chaosplane/cli/progress';
import type { Cluster } from '@chaosplane/testcluster';
import { podNetns } from '@chaosplane/testcluster/netns';
import { installRelease, NAMESPACE as SYSTEM, uninstallRelease } from '@chaosplane/testcluster/release';
import { applications, experiment, LATENCY_MS, NAMESPACE } from './applications.ts';

const SETTLE_MS = 4000;

export interface StoryEnvironment {
  readonly out: NodeJS.WriteStream;
  readonly say: (line: string) => void;
  readonly interrupted: AbortSignal;
}

/** True when the delay was felt, has gone, and nothing but the resource definitions is left. */
export async function tell(cluster: Cluster, surroundings: StoryEnvironment): Promise<boolean> {
  const { say } = surroundings;
  say('\nhelm install chaosplane charts/chaosplane --namespace chaosplane');
  await installRelease(cluster, { report: (line) => say(`  ${line} …`) });
  say(await cluster.kubectl(['get', 'pods', '-n', SYSTEM, '-o', 'wide']));
  say('\nTwo applications: web on n1, and on n2 a caller that asks it ten times a second.');
  await cluster.kubectl(['apply', '-f', '-'], { input: applications.map((one) => JSON.stringify(one)).join('\n') });
  for (const name of ['web', 'caller'])
    await cluster.kubectl(['rollout', 'status', `deployment/${name}`, '-n', NAMESPACE, '--timeout=120s']);
  const good = await measured(cluster, surroundings);
  say('\nhelm uninstall chaosplane');
  await uninstallRelease(cluster);
  const objects = 'all,secrets,configmaps,leases,validatingadmissionpolicies,clusterroles,clusterrolebindings';
  const left = await cluster.kubectl([
    ...['get', objects, '-A', '-o', 'name', '-l', 'app.kubernetes.io/name=chaosplane'],
  ]);
  say(left === '' ? 'Nothing of it is left but its resource definitions.' : `Left behind:\n${left}`);
  return good && left === '';
}

async function measured(cluster: Cluster, { out, say, interrupted }: StoryEnvironment): Promise<boolean> {
  const pod = await cluster.kubectl([
    ...['get', 'pods', '-n', NAMESPACE, '-l', 'app=caller', '-o', 'jsonpath={.items[0].metadata.name}'],
  ]);
  const netns = await podNetns(cluster, NAMESPACE, pod);
  const measurements = createMeasurements(out);
  const following = new AbortController();
  const followed = followMeasurements(cluster, pod, measurements, following.signal);
  const wait = (): Promise<unknown> => sleep(SETTLE_MS, undefined, { signal: interrupted });
  try {
    say("\nBefore: how long a request takes, and what the caller's network namespace looks like.");
    await wait();
    const before = await fingerprint(netns);
    say(`\nkubectl apply -f -\n${experiment.replaceAll(/^/gm, '  ').trimEnd()}\n`);
    const status = await apply(cluster, measurements, out, interrupted);
    measurements.begin('after');
    await wait();
    measurements.end();
    const left = differences(before, await fingerprint(netns));
    const good = judge({ measurements, latencyMs: LATENCY_MS, left, say });
    say(`\nkubectl delete chaosexperiment slow-caller`);
    await cluster.kubectl(['delete', 'chaosexperiment', 'slow-caller', '-n', NAMESPACE, '--timeout=60s']);
    return good && status.phase === 'Completed';
  } finally {
    measurements.end();
    following.abort();
    await followed;
  }
}

/** What the caller prints, as it comes. */
async function followMeasurements(
  cluster: Cluster,
  pod: string,
  into: Measurements,
  signal: AbortSignal,
): Promise<void> {
  const argv = ['logs', '--follow', '--tail=0', '-n', NAMESPACE, pod];
  const env = { KUBECONFIG: cluster.kubeconfig };
  const logs = execa(join(cluster.programs, 'kubectl'), argv, { env, reject: false, cancelSignal: signal });
  try {
    for await (const line of logs) if (line.startsWith('{')) into.take(JSON.parse(line));
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function apply(
  cluster: Cluster,
  measurements: Measurements,
  out: NodeJS.WriteStream,
  abort: AbortSignal,
): Promise<ExperimentStatus> {
  const config = loadCluster({ kubeconfig: cluster.kubeconfig });
  const client = createKubeClient(config, { logger: createLogger({ level: 'silent' }) });
  await cluster.kubectl(['apply', '-f', '-'], { input: experiment });
  const applied = await client.get(chaosExperiments, { namespace: NAMESPACE, name: 'slow-caller' });
  if (applied === undefined) throw new Error('the experiment that was just applied is gone');
  const parsed = parseExperiment(parse(experiment), 'cluster');
  const progress = createProgress({ experiment: parsed, clock: systemClock, out, format: 'text' });
  const ended = await followRun(
    experimentRuns,
    {
      client,
      clock: systemClock,
      abort,
      say: progress.say,
      onChange(object) {
        const current = statusOf(object);
        progress.status(current);
        if (current.effectiveAt !== undefined && measurements.of('during').length === 0) measurements.begin('during');
        // Requests that began under the delay still belong to it.
        if (current.phase === 'Recovering') measurements.end();
      },
    },
    applied,
  );
  const status = statusOf(ended);
  progress.result(status);
  await sleep(500);
  return status;
}
