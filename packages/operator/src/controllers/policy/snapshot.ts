/** The cluster as experiments would be judged by, read for this once: by a replica that does not lead and keeps no copies. */
import { blastRadiusPolicies, chaosExperiments, readPolicy, type AskedSpec, type KnownPolicy } from '@chaosplane/api';
import {
  createSnapshot,
  daemonSets,
  deployments,
  namespaces,
  nodes,
  pods,
  replicaSets,
  resourceName,
  statefulSets,
  type Indexer,
  type KubeClient,
  type KubeObject,
  type ResourceType,
} from '@chaosplane/kube';
import { createFacts } from './facts.ts';
import { createHits, heldBy } from './hits.ts';
import { inOrder } from './known.ts';
import type { Outlook } from './outlook.ts';
import { createWorkloads } from './workload.ts';

/** What it is read with. */
export interface SnapshotParts {
  readonly client: Pick<KubeClient, 'list'>;
  readonly builtIn: readonly KnownPolicy[];
}

/** More namespaces than that are read as all of them. */
const MOST_NAMESPACES = 10;

/**
 * Reads what the rules of policies ask for: the namespaces in which something is hit, or would be, and all of them where nodes are.
 * Any state that the API server has at hand is new enough: the leader judges again.
 * @throws KubeError when something cannot be read.
 */
export async function readOutlook(
  asked: readonly AskedSpec[],
  key: string,
  { client, builtIn }: SnapshotParts,
  signal: AbortSignal,
): Promise<Outlook> {
  const listAll = async <T extends KubeObject>(type: ResourceType<T>, namespace?: string): Promise<readonly T[]> =>
    (await client.list(type, { namespace, resourceVersion: '0', signal })).items;
  const [policies, experiments, spaces] = await Promise.all([
    listAll(blastRadiusPolicies),
    listAll(chaosExperiments),
    listAll(namespaces),
  ]);
  const held = experiments.map(heldBy);
  const places = placesOf(asked, held);
  const read = async <T extends KubeObject>(type: ResourceType<T>): Promise<Indexer<T>> =>
    createSnapshot(resourceName(type), (await Promise.all(places.map((place) => listAll(type, place)))).flat());
  const [podsThere, sets, apps, stateful, daemons] = await Promise.all([
    read(pods),
    read(replicaSets),
    read(deployments),
    read(statefulSets),
    read(daemonSets),
  ]);
  const copies = { pods: podsThere, replicaSets: sets, deployments: apps, statefulSets: stateful, daemonSets: daemons };
  // Rules ask for a node where one is hit, and pods are read everywhere then.
  const nodesThere = createSnapshot(resourceName(nodes), places.includes(undefined) ? await listAll(nodes) : []);
  const workloads = createWorkloads(copies);
  const hits = createHits(workloads);
  for (const each of held) hits.set(each);
  const spacesThere = createSnapshot(resourceName(namespaces), spaces);
  const factsFor = createFacts({ ...copies, nodes: nodesThere, namespaces: spacesThere, workloads, hits });
  return {
    pods: () => podsThere.list(),
    nodes: () => nodesThere.list(),
    policy: { policies: inOrder(builtIn, policies.map(readPolicy)), cluster: factsFor(key) },
  };
}

/** Where pods are read; undefined stands for everywhere. */
function placesOf(
  asked: readonly AskedSpec[],
  held: readonly ReturnType<typeof heldBy>[],
): readonly (string | undefined)[] {
  const hit = new Set([
    ...asked.map(({ target }) => target.namespace),
    ...held.flatMap(({ targets }) => targets.map(({ namespace }) => namespace)),
  ]);
  // A node has no namespace, and its pods are of any.
  return hit.has('') || hit.size > MOST_NAMESPACES ? [undefined] : [...hit];
}
