/** What is said of pods that were to leave a node. Pure. */
import type { TargetEvidence } from '@chaosplane/api';
import { countOf } from '@chaosplane/common';
import type { Pod } from '@chaosplane/kube';
import { podName, type JudgedPod } from './pods.ts';

/** Pods that are named in the notes at most. */
const SHOWN = 10;

/** Where the pods of a node stand. */
export interface Leaving {
  /** How many there were when the node was hit. */
  readonly found: number;
  readonly pods: readonly JudgedPod[];
  /** Why a pod that should leave is still there. */
  readonly whyLeft: (pod: Pod) => string;
  readonly notes: readonly string[];
}

/** How many have to leave, of those that are there. */
export const toLeave = (pods: readonly JudgedPod[]): number => pods.filter(({ what }) => what !== 'stays').length;

/** The evidence: of what was found, what is gone and what is in the way. */
export function leavingEvidence({ found: first, pods, whyLeft, notes }: Leaving): TargetEvidence {
  const left = pods.filter(({ what }) => what !== 'stays');
  const ending = left.filter(({ what }) => what === 'ending').length;
  const found = Math.max(first, left.length);
  const inTheWay = left.length - ending;
  const counts = [
    `${found - left.length} of ${countOf(found, 'pod')} gone`,
    ...(ending > 0 ? [`${ending} on their way out`] : []),
    ...(inTheWay > 0 ? [`${inTheWay} still there`] : []),
  ];
  const named = left.slice(0, SHOWN).map((one) => `${podName(one.pod)} ${whyOf(one, whyLeft)}`);
  const more = left.length > SHOWN ? [`and ${left.length - SHOWN} more`] : [];
  return {
    verdict: found === 0 ? 'NoTraffic' : left.length === 0 ? 'Verified' : 'NotObserved',
    engine: 'api',
    summary: found === 0 ? 'there was no pod that had to leave' : counts.join(', '),
    counters: {
      pods_found: found,
      pods_gone: found - left.length,
      pods_ending: ending,
      pods_still_there: inTheWay,
      pods_that_stay: pods.length - left.length,
    },
    notes: [...named, ...more, ...staying(pods), ...notes],
  };
}

function whyOf(one: JudgedPod, whyLeft: (pod: Pod) => string): string {
  switch (one.what) {
    case 'ending':
      return `is on its way out, to be gone at ${one.pod.metadata.deletionTimestamp ?? ''}`;
    case 'evict':
      return whyLeft(one.pod);
    case 'stays':
    case 'refused':
      return one.why;
  }
}

/** Those that are not hit, in groups: `2 pods stay: of a DaemonSet`. */
export function staying(pods: readonly JudgedPod[]): string[] {
  const groups = Map.groupBy(
    pods.flatMap((one) => (one.what === 'stays' ? [one.why] : [])),
    (why) => why,
  );
  return [...groups].map(
    ([why, those]) => `${countOf(those.length, 'pod')} ${those.length === 1 ? 'stays' : 'stay'}: ${why}`,
  );
}
