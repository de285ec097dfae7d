/** A small cluster that policies are judged by, and one policy with what differs. */
import { parsePolicy, type KnownPolicy, type Policy } from '@chaosplane/api';
import type { PolicyRequest } from '../src/policy/case.ts';
import { judge } from '../src/policy/chain.ts';
import type { ClusterFacts, Labels, OtherExperiment, PolicyPod, PolicyTarget } from '../src/policy/cluster.ts';

export const policyOf = (spec: object, name = 'shop-limits'): Policy =>
  parsePolicy({ apiVersion: 'chaos.chaosplane.io/v1alpha1', kind: 'BlastRadiusPolicy', metadata: { name }, spec });

/** A pod of the cluster, and where it runs. */
interface StagedPod extends PolicyPod {
  readonly node: string;
}

const pod = (
  name: string,
  kind: string,
  workload: string,
  node: string,
  change: Partial<StagedPod> = {},
): StagedPod => ({
  namespace: 'shop',
  name,
  uid: `uid-${name}`,
  labels: { app: workload },
  ready: true,
  ...change,
  workload: { kind, namespace: change.namespace ?? 'shop', name: workload },
  node,
});

/** Three pods of the Deployment web, two of the StatefulSet db, a bare one, one of a controller that is not known, and DNS. */
export const pods: readonly StagedPod[] = [
  ...['n1', 'n2', 'n3'].map((node, index) => pod(`web-${index + 1}`, 'Deployment', 'web', node)),
  ...['n1', 'n2'].map((node, index) =>
    pod(`db-${index}`, 'StatefulSet', 'db', node, { labels: { app: 'db', tier: 'gold' } }),
  ),
  pod('tool', 'Pod', 'tool', 'n3'),
  pod('clone-1', 'CloneSet', 'clone', 'n3'),
  pod('dns', 'Deployment', 'dns', 'n1', { namespace: 'kube-system' }),
];

/** What differs from a cluster in which all is well. */
export interface Change {
  readonly pods?: readonly StagedPod[];
  readonly desired?: Readonly<Record<string, number>>;
  /** Pods, by name, that other experiments hit. */
  readonly hit?: readonly string[];
  readonly nodesHit?: readonly string[];
  readonly others?: readonly OtherExperiment[];
  readonly facts?: Partial<ClusterFacts>;
}

const namespaces: Readonly<Record<string, Labels>> = { shop: { team: 'b' }, 'kube-system': {}, cart: { team: 'c' } };
const nodes: Readonly<Record<string, Labels>> = { n1: { pool: 'spot' }, n2: { pool: 'spot' }, n3: {} };
const usual = { web: 3, db: 2, tool: 1, dns: 1 };

export function clusterOf({
  desired = usual,
  hit = [],
  nodesHit = [],
  others = [],
  facts = {},
  ...change
}: Change = {}): ClusterFacts {
  const there = change.pods ?? pods;
  return {
    namespaceLabels: (name) => namespaces[name],
    nodeLabels: (name) => nodes[name],
    nodeCount: () => Object.keys(nodes).length,
    pod: ({ uid }) => there.find((each) => each.uid === uid),
    podsOn: (node) => there.filter((each) => each.node === node),
    workload: (ref) => ({
      desired: desired[ref.name],
      pods: there.filter(({ workload }) => workload.name === ref.name && workload.kind === ref.kind),
    }),
    others: () => others,
    isHit: ({ name }) => hit.includes(name),
    nodesHit: () => nodesHit,
    ...facts,
  };
}

/** Targets by the names of pods of the cluster, or of nodes. */
export function targetsOf(...names: readonly string[]): readonly PolicyTarget[] {
  return names.map((name) => pods.find((each) => each.name === name) ?? { namespace: '', name, uid: `uid-${name}` });
}

/** An experiment that wants to delay one pod of web for a minute. */
export function requestOf({ targets = targetsOf('web-1'), ...change }: Partial<PolicyRequest> = {}): PolicyRequest {
  return { action: 'network-delay', duration: 60_000, begins: true, targets, fitting: targets, ...change };
}

/** What the rules of one policy say: `rule: message`. */
export function said(
  policy: object | KnownPolicy,
  request: Partial<PolicyRequest> = {},
  cluster: Change = {},
  now = 0,
): readonly string[] {
  const known = 'spec' in policy && 'name' in policy ? policy : policyOf(policy);
  return judge([known], requestOf(request), clusterOf(cluster), now).map(({ rule, message }) => `${rule}: ${message}`);
}
