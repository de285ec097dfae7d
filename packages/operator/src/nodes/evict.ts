/** Evicts pods through the API server, which asks their PodDisruptionBudgets. */
import { whyNoMatch } from '@chaosplane/api';
import {
  KubeError,
  objectPath,
  podDisruptionBudgets,
  pods,
  refOf,
  type KubeClient,
  type Pod,
  type PodDisruptionBudget,
} from '@chaosplane/kube';

/** What came of one attempt. */
export type Eviction =
  /** It is on its way out, or gone. */
  | { readonly kind: 'done' }
  /** It may be evicted later. */
  | { readonly kind: 'later'; readonly why: string }
  /** It never will. */
  | { readonly kind: 'never'; readonly why: string };

/** How evictions are asked for. */
export interface EvictOptions {
  /** The API server answers as it would, and changes nothing. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

/**
 * Asks for one eviction. The pod is read before: of an unready pod that was replaced under its name the API server says for ever that
 * it is busy, and for a ready one a wrong uid spends the budget for two minutes.
 * @throws The reason of the signal.
 */
export async function evict(client: KubeClient, pod: Pod, { dryRun, signal }: EvictOptions): Promise<Eviction> {
  const ref = refOf(pod);
  const { uid = '' } = pod.metadata;
  try {
    const now = await client.get(pods, ref, { signal });
    if (now === undefined || now.metadata.uid !== uid || now.metadata.deletionTimestamp !== undefined)
      return { kind: 'done' };
    const deleteOptions = { preconditions: { uid }, ...(dryRun ? { dryRun: ['All'] } : {}) };
    const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: ref, deleteOptions };
    await client.raw('POST', objectPath(pods, ref, 'eviction'), body, { signal });
    return { kind: 'done' };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof KubeError)) throw error;
    if (!hasTwoBudgets(error)) return evictionOf(error, pod);
    return { kind: 'never', why: await whyTwoBudgets(client, pod, signal) };
  }
}

/** The API server says it with a 500 that has no reason: https://github.com/kubernetes/kubernetes, pkg/registry/core/pod/storage/eviction.go */
const hasTwoBudgets = ({ status, message }: KubeError): boolean =>
  status === 500 && message.includes('more than one PodDisruptionBudget');

/** What a refusal means. */
export function evictionOf(error: KubeError, pod: Pod): Eviction {
  // Gone, or another one has its name.
  if (error.status === 404 || error.status === 409) return { kind: 'done' };
  const budget = error.causes.find(({ reason }) => reason === 'DisruptionBudget');
  if (budget === undefined) return { kind: 'later', why: error.message };
  const ready = pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
  // A budget that forbids nothing blocks a pod that is not ready, when none of its pods is.
  const hint = ready ? '' : '; the pod is not ready: see unhealthyPodEvictionPolicy of the budget';
  return { kind: 'later', why: `${budget.message ?? 'a budget allows no eviction'}${hint}` };
}

async function whyTwoBudgets(client: KubeClient, { metadata }: Pod, signal: AbortSignal): Promise<string> {
  const { namespace, labels = {} } = metadata;
  const names = await client.list(podDisruptionBudgets, { namespace, signal }).then(
    ({ items }) => items.filter((budget) => covers(budget, labels)).map((budget) => budget.metadata.name),
    () => [],
  );
  const which = names.length === 0 ? '' : ` (${names.toSorted().join(', ')})`;
  return `it has more than one PodDisruptionBudget${which}, and so cannot be evicted`;
}

function covers({ spec }: PodDisruptionBudget, labels: Readonly<Record<string, string>>): boolean {
  if (spec?.selector === undefined) return false;
  const { matchLabels, matchExpressions = [] } = spec.selector;
  const expressions = matchExpressions.map(({ values = [], ...rest }) => ({ ...rest, values: [...values] }));
  return whyNoMatch(labels, { matchLabels, matchExpressions: expressions }) === undefined;
}
