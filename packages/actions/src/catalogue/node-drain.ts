/** node-drain: a node takes no new pods, and those that it has are evicted. */
import { formatDuration, parseDuration, refused, type Parsed } from '@chaosplane/common/pure';
import { defineAction } from '../action.ts';
import { defaulted, parseBoolean } from '../parameters/parameter.ts';

/** A drain, understood. */
export interface NodeDrainSpec {
  /** How long evictions are tried, from the moment when every target is cordoned; milliseconds. */
  readonly timeoutMs: number;
  /** Whether pods of DaemonSets stay; otherwise a node that has one is refused. */
  readonly ignoreDaemonSets: boolean;
  /** Whether pods with an emptyDir are evicted, whose data is then lost; otherwise a node that has one is refused. */
  readonly deleteEmptyDirData: boolean;
  /** Whether pods that no controller brings back are evicted; otherwise a node that has one is refused. */
  readonly force: boolean;
}

const LONGEST_MS = 23 * 3_600_000;
const ALLOWED = `a duration from 1s to ${formatDuration(LONGEST_MS)}`;

function parseTimeout(text: string): Parsed<number> {
  const parsed = parseDuration(text);
  if (!parsed.ok) return parsed;
  if (parsed.value < 1000) return refused(text, 'is too short', ALLOWED);
  return parsed.value > LONGEST_MS ? refused(text, 'is too long', ALLOWED) : parsed;
}

const flag = (description: string, initial: boolean) =>
  defaulted(parseBoolean, { description, allowed: 'true or false', default: String(initial) });

export const nodeDrain = defineAction({
  name: 'node-drain',
  aliases: [],
  targetKind: 'Node',
  route: { on: 'operator' },
  recover: 'undo',
  schemas: {
    timeout: defaulted(parseTimeout, {
      description: 'How long evictions are tried. The node stays cordoned for the whole duration of the experiment.',
      allowed: ALLOWED,
      default: '300s',
    }),
    ignoreDaemonSets: flag(
      'Pods of DaemonSets stay: they would be there again at once. With false, a node that has one is missed.',
      true,
    ),
    deleteEmptyDirData: flag(
      'Pods with an emptyDir are evicted, and its data is lost. With false, a node that has one is missed.',
      true,
    ),
    force: flag(
      'Pods without a controller are evicted, and do not come back. With false, a node that has one is missed.',
      false,
    ),
  },
  toSpec: ({ timeout, ...flags }): NodeDrainSpec => ({ timeoutMs: timeout, ...flags }),
  summary: 'A node is cordoned and its pods are evicted.',
  description: `As \`kubectl drain\` does it: the operator cordons the node, and when all targets are cordoned it asks the API server to
[evict](https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/) their pods. A PodDisruptionBudget that allows no
eviction is waited for, and asked again every five seconds until \`timeout\`. A pod that has two budgets cannot be evicted at all; it
is named with both.

| pods | what happens |
|---|---|
| with a controller (ReplicaSet, StatefulSet, Job) | evicted |
| without a controller | with \`force\` evicted, for good; otherwise the node is missed |
| with an emptyDir | evicted, unless \`deleteEmptyDirData\` is false: then the node is missed |
| of a DaemonSet | stay, unless \`ignoreDaemonSets\` is false: then the node is missed |
| static (mirror) pods | stay: the API server would say "evicted", and the kubelet runs them on |
| that have ended | stay: nothing of them runs |
| on their way out already | waited for |
| that come after the cordon, because they tolerate it or name the node | stay |
| of ChaosPlane, the operator included | stay: without the operator no program would uncordon the node |

A node that is missed for its pods is not cordoned either.

At the end of the experiment, or when it is aborted or deleted, evictions stop and the node is uncordoned. The annotation
\`chaosplane.io/cordoned-by\` of the node names the experiments that cordon it: the last of them uncordons it, and a node that
was cordoned before all of them stays cordoned. A node that is uncordoned by hand in the meantime is left as it is, and its execution has ended early.
Nothing else ends a cordon, so \`rollback.enabled: false\` is refused, and the experiment is not gone before its nodes are uncordoned or removed.
Pods do not come back to the node by themselves.

It needs a cluster. Set \`duration\` to at least what the pods need to end and to be ready elsewhere.`,
  evidence: `How many of the pods that were to be evicted are gone, and which are in the way and why: the budget, the grace period, the
API server's refusal. *Verified* when all of them are gone, *NotObserved* while some are left, *NoTraffic* when there was none to evict.`,
  example: { timeout: '120s' },
});
