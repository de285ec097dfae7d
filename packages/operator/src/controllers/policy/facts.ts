/** The cluster, as the rules of policies ask for it. */
import type { KnownPolicy } from '@chaosplane/api';
import { defined } from '@chaosplane/common';
import type { Indexer, Namespace, Node, Pod } from '@chaosplane/kube';
import { covered, workloadName, type ClusterFacts, type PolicyPod, type Workload } from '@chaosplane/lifecycle';
import type { Held, Hits } from './hits.ts';
import { hasEnded, synced, type Workloads } from './workload.ts';

/** What facts are made of. */
export interface FactsParts {
  readonly pods: Indexer<Pod>;
  readonly nodes: Indexer<Node>;
  readonly namespaces: Indexer<Namespace>;
  readonly workloads: Workloads;
  readonly hits: Hits;
}

/** The facts for the experiment of a key: what it hits itself is none of them. */
export function createFacts({ pods, nodes, namespaces, workloads, hits }: FactsParts): (key: string) => ClusterFacts {
  const isOther = (keys: ReadonlySet<string>, key: string): boolean => keys.size > (keys.has(key) ? 1 : 0);
  /** What is covered of an experiment is counted once for all others that ask, until it is visited again. */
  const covers = new WeakMap<Held, WeakMap<KnownPolicy, number>>();

  const factsFor = (key: string): ClusterFacts => {
    // Every policy asks for the same pods.
    const policyPodOf = once((pod: Pod) => policyPod(pod, workloads));
    const alive = (found: readonly Pod[]): readonly PolicyPod[] => found.filter(isThere).map(policyPodOf);
    const workloadOf = new Map<string, Workload>();
    return {
      namespaceLabels(name) {
        const found = synced(namespaces).get({ name });
        return found === undefined ? undefined : (found.metadata.labels ?? {});
      },
      nodeLabels(name) {
        const found = nodes.get({ name });
        return found === undefined ? undefined : (found.metadata.labels ?? {});
      },
      nodeCount: () => nodes.list().length,
      pod: once(({ namespace, name, uid }) => {
        const found = pods.get({ namespace, name });
        return found?.metadata.uid === uid && isThere(found) ? policyPodOf(found) : undefined;
      }),
      podsOn: (node) => alive(workloads.podsOn(node)),
      workload(ref) {
        const name = workloadName(ref);
        const known = workloadOf.get(name) ?? { desired: workloads.desired(ref), pods: alive(workloads.podsOf(ref)) };
        workloadOf.set(name, known);
        return known;
      },
      others: () =>
        [...hits.all()]
          .filter((held) => held.key !== key)
          .map((held) => ({ name: held.key, covered: (policy) => countOf(held, policy) })),
      isHit: ({ uid, node = '' }) => isOther(hits.of('pod', uid), key) || isOther(hits.of('node', node), key),
      nodesHit: () => [...hits.nodes()].flatMap(([name, keys]) => (isOther(keys, key) ? [name] : [])),
    };
  };

  const countOf = (held: Held, policy: KnownPolicy): number => {
    const known = covers.get(held) ?? new WeakMap<KnownPolicy, number>();
    covers.set(held, known);
    const count = known.get(policy) ?? covered(policy.spec.scope, held, factsFor(held.key)).length;
    known.set(policy, count);
    return count;
  };
  return factsFor;
}

/** What is made for a key is made once. */
function once<Key, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const made = new Map<Key, { readonly value: Value }>();
  return (key) => {
    const known = made.get(key) ?? { value: make(key) };
    made.set(key, known);
    return known.value;
  };
}

const isThere = ({ status }: Pod): boolean => !hasEnded(status?.phase);

function policyPod(pod: Pod, workloads: Workloads): PolicyPod {
  const { namespace = '', name, uid = '', labels = {} } = pod.metadata;
  const where = { ...defined({ node: pod.spec?.nodeName }) };
  return { namespace, name, uid, labels, ...where, ready: isReady(pod), workload: workloads.of(pod) };
}

/** A pod on its way out says Ready until its last container has ended. */
export function isReady({ metadata, status }: Pod): boolean {
  if (metadata.deletionTimestamp !== undefined) return false;
  return (status?.conditions ?? []).some((condition) => condition.type === 'Ready' && condition.status === 'True');
}
