/** What a cluster needs of nodes that only the API has, so that its scheduler puts pods there, they run, and they end. */
import { setTimeout as pause } from 'node:timers/promises';
import { hashOf, seededRandom } from '@chaosplane/common';
import { nodes, pods, refOf, type KubeClient, type Pod } from '@chaosplane/kube';
import type { FakePod } from '@chaosplane/testkit';
import { running, type StageNode } from '../api/stage-node.ts';

/** The nodes of one lane of runs; pods choose them by this label. */
export const LANE_LABEL = 'floor-lane';

/** A pod that runs on its node. */
export interface RunningPod {
  readonly fake: FakePod;
  /** What the kernel held for it at its beginning. */
  readonly clean: string;
}

export interface Kubelets {
  /** By the uids of the pods. */
  readonly running: ReadonlyMap<string, RunningPod>;
  stop(): Promise<void>;
}

/** Nodes with room for pods. */
export async function makeRoom(client: KubeClient, laneNodes: readonly StageNode[], lane: string): Promise<void> {
  for (const { name } of laneNodes) {
    await client.patch(nodes, { name }, { kind: 'merge', body: { metadata: { labels: { [LANE_LABEL]: lane } } } });
    const room = { cpu: '64', memory: '64Gi', pods: '100' };
    const body = { status: { capacity: room, allocatable: room } };
    await client.patch(nodes, { name }, { kind: 'merge', body }, { subresource: 'status' });
  }
}

/** Pods become Ready a moment after they were scheduled, and are gone a moment after they were deleted. */
const [LEAST_MS, MOST_MS] = [50, 600];

/** Starts one for all nodes, for the pods with that label. */
export async function startKubelets(
  client: KubeClient,
  stageNodes: readonly StageNode[],
  labelSelector: string,
): Promise<Kubelets> {
  const over = new AbortController();
  const { signal } = over;
  const alive = new Map<string, RunningPod>();
  const begun = new Set<string>();
  const ending = new Set<string>();
  const byName = new Map(stageNodes.map((node) => [node.name, node]));
  let serial = 0;
  const patience = (uid: string): number => LEAST_MS + (MOST_MS - LEAST_MS) * seededRandom(hashOf(uid))();

  const start = async (pod: Pod, { kernel }: StageNode): Promise<void> => {
    const { uid = '', name, namespace = '' } = pod.metadata;
    serial += 1;
    const fake = kernel.addPod(name, { namespace, uid, path: `/run/netns/${uid}` });
    alive.set(uid, { fake, clean: fake.netns.print() });
    await pause(patience(uid), undefined, { signal });
    await running(client, pod, `10.11.${serial >> 8}.${serial & 255}`);
  };
  const end = async (pod: Pod, { kernel }: StageNode): Promise<void> => {
    const { uid = '' } = pod.metadata;
    await pause(patience(uid), undefined, { signal });
    await client.delete(pods, refOf(pod), { uid, gracePeriodSeconds: 0 });
    forget(uid, kernel);
  };
  const forget = (uid: string, kernel: StageNode['kernel']): void => {
    const known = alive.get(uid);
    if (known !== undefined) kernel.removePod(known.fake);
    alive.delete(uid);
  };
  const look = (pod: Pod, gone: boolean): void => {
    const { uid = '', deletionTimestamp } = pod.metadata;
    const node = byName.get(pod.spec?.nodeName ?? '');
    if (node === undefined) return;
    // Its namespace, its controller or an experiment may be faster.
    const later = (work: Promise<void>): void => void work.catch(() => undefined);
    if (gone) forget(uid, node.kernel);
    else if (deletionTimestamp !== undefined && !ending.has(uid)) {
      ending.add(uid);
      later(end(pod, node));
    } else if (deletionTimestamp === undefined && !begun.has(uid)) {
      begun.add(uid);
      later(start(pod, node));
    }
  };
  const { resourceVersion } = await client.list(pods, { labelSelector });
  const watching = (async () => {
    for await (const { type, object } of client.watch(pods, {
      labelSelector,
      resourceVersion,
      timeoutSeconds: 3000,
      signal,
    }))
      if (type !== 'BOOKMARK') look(object, type === 'DELETED');
  })().catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  watching.catch(() => undefined);
  return {
    running: alive,
    async stop() {
      over.abort();
      await watching;
    },
  };
}
