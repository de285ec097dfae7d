/** One round of a drain: each pod whose turn has come is asked for once, and what came of it is remembered for the next. */
import type { Clock } from '@chaosplane/common';
import type { KubeClient, Pod } from '@chaosplane/kube';
import pMap from 'p-map';
import { evict, type Eviction } from './evict.ts';

/** What came of the last attempt for a pod, and when, on the monotonic clock. */
export interface Attempt {
  readonly eviction: Eviction;
  readonly at: number;
}

/** The last attempts, by the uids of the pods. */
export type Attempts = ReadonlyMap<string, Attempt>;

/** As kubectl waits before it asks a budget again. Milliseconds. */
const AGAIN_MS = 5000;

/** Evictions of one node at the same time. */
const PARALLEL = 8;

/** Those whose turn it is: they were not asked for yet, or long ago. */
export function due(pods: readonly Pod[], attempts: Attempts, now: number): Pod[] {
  return pods.filter(({ metadata: { uid = '' } }) => {
    const last = attempts.get(uid);
    return last === undefined || (last.eviction.kind === 'later' && now >= last.at + AGAIN_MS);
  });
}

/** What a round works with. */
export interface RoundParts {
  readonly client: KubeClient;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** Only asks why pods are in the way. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

/** The attempts after the round. */
export async function evictDue(
  pods: readonly Pod[],
  attempts: Attempts,
  { client, clock, dryRun, signal }: RoundParts,
): Promise<Attempts> {
  const made = await pMap(
    due(pods, attempts, clock.monotonic()),
    async (pod): Promise<[string, Attempt]> => {
      const eviction = await evict(client, pod, { dryRun, signal });
      return [pod.metadata.uid ?? '', { eviction, at: clock.monotonic() }];
    },
    { concurrency: PARALLEL },
  );
  const here = new Set(pods.map(({ metadata: { uid = '' } }) => uid));
  return new Map([...[...attempts].filter(([uid]) => here.has(uid)), ...made]);
}
