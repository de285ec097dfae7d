/** A cluster of two nodes with one build of ChaosPlane on it, a pod with traffic, and what is told of its experiments. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chaosExperiments, chaosExperimentShards } from '@chaosplane/api';
import { resourceType, type KubeObject, type ResourceType, type WatchEvent } from '@chaosplane/kube';
import { startCluster, type Cluster } from '@chaosplane/testcluster';
import { installationOn, NAMESPACE, patient, type Installation } from '@chaosplane/testcluster/installation';
import { installRelease } from '@chaosplane/testcluster/release';
import { eventually } from '@chaosplane/testkit/eventually';
import { parse } from 'yaml';
import { now } from './clock.ts';
import { startTraffic, type Traffic } from './traffic.ts';

/** Which build, and with what. */
export interface BuildOptions {
  readonly label: string;
  /** A checkout with its dependencies; absent: this one. */
  readonly folder?: string;
  /** The webhook, and two policies that are about every experiment of the bench. */
  readonly guarded: boolean;
}

/** What the API server told, and when. */
export interface ToldEvent {
  readonly at: number;
  readonly type: WatchEvent<KubeObject>['type'];
  readonly object: KubeObject;
}

/** One build that is measured. */
export interface Build extends BuildOptions {
  readonly installation: Installation;
  readonly traffic: Traffic;
  /** The first event that is like that, of those that come from now on. */
  next(like: (event: ToldEvent) => boolean, signal: AbortSignal): Promise<ToldEvent>;
}

/** The pod that is hit: it answers datagrams on this port. */
export const POD = 'web';
const PORT = 8081;

/** Experiments of another group: the same definition, which no operator looks at. */
export const equals = resourceType<KubeObject>({
  apiVersion: 'bench.chaosplane.io/v1alpha1',
  kind: 'ChaosExperiment',
  plural: 'chaosexperiments',
  namespaced: true,
});

const isPolicy = { apiVersion: 'chaos.chaosplane.io/v1alpha1', kind: 'BlastRadiusPolicy' };
const policies = [
  {
    ...isPolicy,
    metadata: { name: 'bench-limits' },
    spec: {
      scope: { namespaces: [NAMESPACE] },
      targetLimits: { maxTargets: 10, maxUnavailable: 1 },
      actionLimits: { allowedActions: ['network-loss', 'network-delay'], maxDuration: '1h' },
    },
  },
  {
    ...isPolicy,
    metadata: { name: 'bench-protection' },
    spec: {
      scope: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': NAMESPACE } } },
      protectedResources: [{ namespaces: ['payments'] }, { labelSelector: { matchLabels: { chaos: 'never' } } }],
      targetLimits: { maxPercentage: 100 },
      timeWindows: { allowed: [{}] },
    },
  },
];

/** Starts one; what has to be ended is deferred to `ends`. */
export async function startBuild(
  options: BuildOptions,
  ends: AsyncDisposableStack,
  { report, signal }: { readonly report: (line: string) => void; readonly signal: AbortSignal },
): Promise<Build> {
  const { label, folder, guarded } = options;
  const say = (line: string): void => report(`${label}: ${line}`);
  const cluster = await startCluster({ nodes: 2, report: say, signal });
  ends.defer(() => cluster.stop());
  signal.throwIfAborted();
  const set = [`admission.webhook.enabled=${guarded}`];
  await (folder === undefined ? installRelease : await releaseOf(folder))(cluster, { report: say, set });
  await cluster.kubectl(['create', 'namespace', NAMESPACE]);
  if (guarded)
    await cluster.kubectl(['apply', '-f', '-'], { input: policies.map((each) => JSON.stringify(each)).join('\n') });
  await defineEquals(cluster);
  signal.throwIfAborted();
  const installation = installationOn(cluster);
  say('starting the pod');
  await installation.addApps({ name: POD, node: cluster.nodes[0] ?? '' });
  const traffic = startTraffic(await installation.ipOf(POD), PORT);
  ends.defer(() => traffic.stop());
  const following = follow(installation, ends);
  await following.opened;
  return { ...options, installation, traffic, next: following.next };
}

/** How that checkout installs itself: its chart, its images. */
async function releaseOf(folder: string): Promise<typeof installRelease> {
  const path = join(folder, 'packages/testcluster/src/release/release.ts');
  return ((await import(pathToFileURL(path).href)) as { installRelease: typeof installRelease }).installRelease;
}

/** The definition of experiments under another group. */
async function defineEquals(cluster: Cluster): Promise<void> {
  const text = await cluster.kubectl(['get', 'crd', 'chaosexperiments.chaos.chaosplane.io', '-o', 'yaml']);
  const { spec } = parse(text) as { spec: { names: object } };
  const { shortNames: _short, categories: _all, ...names } = spec.names as Record<string, unknown>;
  const [group = ''] = equals.apiVersion.split('/');
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${equals.plural}.${group}` },
    spec: { ...spec, group, names },
  };
  await cluster.kubectl(['apply', '--server-side', '-f', '-'], { input: JSON.stringify(definition) });
  await cluster.kubectl(['wait', '--for=condition=Established', `crd/${equals.plural}.${group}`, '--timeout=30s']);
}

/** Follows experiments, their shards and the equal ones. */
function follow(
  { client }: Installation,
  ends: AsyncDisposableStack,
): Pick<Build, 'next'> & { readonly opened: Promise<unknown> } {
  const life = new AbortController();
  ends.defer(async () => life.abort());
  const waiting = new Set<(event: ToldEvent) => void>();
  const events = async (type: ResourceType<KubeObject>, opened: () => void): Promise<void> => {
    // The storage of a definition that is new answers 429 for a moment.
    const { resourceVersion } = await eventually(
      `the API server lists ${type.plural}`,
      () => client.list(type, { namespace: NAMESPACE }).catch(() => undefined),
      patient,
    );
    const options = { namespace: NAMESPACE, resourceVersion, timeoutSeconds: 7200, signal: life.signal, opened };
    for await (const { type: what, object } of client.watch(type, options)) {
      const event = { at: now(), type: what, object };
      for (const each of [...waiting]) each(event);
    }
  };
  const watch = (type: ResourceType<KubeObject>): Promise<void> =>
    new Promise((resolve, reject) => {
      events(type, resolve).catch((error: unknown) => {
        if (!life.signal.aborted) reject(error instanceof Error ? error : new Error(String(error)));
      });
    });
  return {
    opened: Promise.all([equals, chaosExperiments, chaosExperimentShards].map((type) => watch(type))),
    next: (like, signal) =>
      new Promise((resolve, reject) => {
        const stop = (): void => {
          waiting.delete(take);
          reject(new Error('what was waited for did not come', { cause: signal.reason }));
        };
        const take = (event: ToldEvent): void => {
          if (!like(event)) return;
          waiting.delete(take);
          signal.removeEventListener('abort', stop);
          resolve(event);
        };
        waiting.add(take);
        signal.addEventListener('abort', stop, { once: true });
      }),
  };
}
